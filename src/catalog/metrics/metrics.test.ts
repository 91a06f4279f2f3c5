/** Metrics against scikit-learn: the numbers come from test/python/reference_evaluation.py. */
import { describe, expect, test } from "vitest";
import reference from "../../evaluation/evaluation.reference.json" with { type: "json" };
import { metrics } from "./index.ts";

const cases = {
  classification: reference.classification.map(({ what, confusion, metrics }) => ({ what, outcome: confusion, expected: metrics })),
  regression: reference.regression.map(({ what, predictions, targets, metrics }) => ({ what, outcome: { predictions, targets }, expected: metrics })),
};

for (const metric of metrics)
  describe(metric.id, () => {
    for (const task of metric.tasks)
      test.each<{ what: string; outcome: object; expected: object }>(cases[task])("agrees with scikit-learn on $what", ({ outcome, expected }) => {
        expect(metric.compute(outcome as never)).toBeCloseTo((expected as Record<string, number>)[metric.id]!, 8);
      });
  });
