/** The one list of everything that can be chosen. */

import { learners } from "../learners/index.ts";
import type { Head } from "../shared/define.ts";
import { datasets } from "./datasets/index.ts";
import { initializers } from "./initializers/index.ts";
import { layers } from "./layers/index.ts";
import { losses } from "./losses/index.ts";
import { metrics } from "./metrics/index.ts";
import { models } from "./models/index.ts";
import { optimizers } from "./optimizers/index.ts";
import { preprocessing } from "./preprocessing/index.ts";
import { schedules } from "./schedules/index.ts";

export const catalog = { datasets, preprocessing, models, learners, layers, losses, optimizers, schedules, metrics, initializers } satisfies Record<
  string,
  readonly Head[]
>;
