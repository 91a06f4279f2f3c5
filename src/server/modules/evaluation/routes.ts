/** Routes of evaluation and prediction. */
import type { CrossValidation, LearningCurve } from "../../../shared/evaluation.ts";
import type { Handlers } from "../../handler.ts";
import { getExample } from "./example.ts";
import { getTestPicture, listPredictions } from "./records.ts";
import { getReport } from "./report.ts";
import { evaluateRun, getEvaluation, getRefit, getSignificance, predictWithExperiment, predictWithRun, refitRun } from "./service.ts";

export const evaluationRoutes: Handlers<
  | "evaluateRun"
  | "getEvaluation"
  | "listPredictions"
  | "getTestPicture"
  | "getReport"
  | "crossValidateRun"
  | "getCrossValidation"
  | "drawLearningCurve"
  | "getLearningCurve"
  | "getSignificance"
  | "predictWithRun"
  | "getExample"
  | "predictWithExperiment"
> = {
  evaluateRun: (kernel, { params, body, context, key }) => evaluateRun(kernel, params.id, body.metrics, context, key),
  getEvaluation: (kernel, { params }) => getEvaluation(kernel, params.id),
  listPredictions: (kernel, { params, query: { wrong, ...query }, signal }) =>
    listPredictions(kernel, params.id, { ...query, wrong: wrong === "true" }, signal),
  getTestPicture: (kernel, { params }) => getTestPicture(kernel, params.id, params.row),
  getReport: (kernel, { params, query }) => getReport(kernel, params.id, query.format),
  crossValidateRun: (kernel, { params, body, context, key }) => refitRun(kernel, params.id, "cross-validate", body, context, key),
  getCrossValidation: async (kernel, { params }) => (await getRefit(kernel, params.id, "cross-validation.json")) as CrossValidation,
  drawLearningCurve: (kernel, { params, body, context, key }) => refitRun(kernel, params.id, "learning-curve", body, context, key),
  getLearningCurve: async (kernel, { params }) => (await getRefit(kernel, params.id, "learning-curve.json")) as LearningCurve,
  getSignificance: (kernel, { query, signal }) => getSignificance(kernel, query.id as [string, string], query.metric, signal),
  getExample: (kernel, { params, query }) => getExample(kernel, params.id, query.row),
  predictWithRun: async (kernel, { params, body, signal }) => ({ predictions: await predictWithRun(kernel, params.id, body, signal) }),
  predictWithExperiment: async (kernel, { params, body, signal }) => ({ predictions: await predictWithExperiment(kernel, params.id, body, signal) }),
};
