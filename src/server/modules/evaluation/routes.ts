/** Routes of evaluation and prediction. */
import type { Handlers } from "../../handler.ts";
import { evaluateRun, getEvaluation, predictWithExperiment, predictWithRun } from "./service.ts";

export const evaluationRoutes: Handlers<"evaluateRun" | "getEvaluation" | "predictWithRun" | "predictWithExperiment"> = {
  evaluateRun: (kernel, { params, body, context, key }) => evaluateRun(kernel, params.id, body.metrics, context, key),
  getEvaluation: (kernel, { params }) => getEvaluation(kernel, params.id),
  predictWithRun: async (kernel, { params, body, signal }) => ({ predictions: await predictWithRun(kernel, params.id, body, signal) }),
  predictWithExperiment: async (kernel, { params, body, signal }) => ({ predictions: await predictWithExperiment(kernel, params.id, body, signal) }),
};
