/** Parameters that several layers share. */

import type { Value } from "../../engine/graph.ts";
import type { LayerContext } from "../../engine/kinds.ts";
import { choice, number } from "../../shared/define.ts";
import { initializers } from "../initializers/index.ts";

export const kernelParams = {
  initializer: choice({ default: "he-uniform", options: initializers.map((i) => i.id), help: "How the weights start." }),
  constant: number({ default: 0, help: 'Every weight at the start, for initializer "constant".' }),
};

export const biasOf = (weight: LayerContext["weight"], wanted: boolean, size: number): Value | undefined =>
  wanted ? weight("bias", [size], { initializer: "zeros" }) : undefined;
