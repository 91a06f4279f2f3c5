/** Routes that lead to a training. */
import type { Handlers } from "../../handler.ts";
import { check } from "./check.ts";
import { choicesFor } from "./choices.ts";
import { estimateRun } from "./estimate.ts";
import { createRun, duplicateRun, resumeRun, startRun, stopRun } from "./service.ts";

export const trainingRoutes: Handlers<
  "checkTraining" | "getChoices" | "estimateRun" | "createRun" | "startRun" | "stopRun" | "resumeRun" | "duplicateRun"
> = {
  checkTraining: (kernel, { body, grant }) => check(kernel, grant.project, body),
  getChoices: (kernel, { body, grant }) => choicesFor(kernel, grant.project, body),
  estimateRun: (kernel, { body, grant }) => estimateRun(kernel, grant.project, grant.visible, body),
  createRun: (kernel, { body, context, key, grant }) => createRun(kernel, grant.project!, body, context, key),
  startRun: (kernel, { params, context }) => startRun(kernel, params.id, context),
  stopRun: (kernel, { params, context }) => stopRun(kernel, params.id, context),
  resumeRun: (kernel, { params, body, context }) => resumeRun(kernel, params.id, body.epochs, context),
  duplicateRun: (kernel, { params, body, context, key }) => duplicateRun(kernel, params.id, body, context, key),
};
