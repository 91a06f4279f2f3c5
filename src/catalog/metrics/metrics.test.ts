/** Metrics against scikit-learn: the numbers come from test/python/reference_evaluation.py. */
import { describe, expect, test } from "vitest";
import { ClassOutcome } from "../../evaluation/classes.ts";
import reference from "../../evaluation/evaluation.reference.json" with { type: "json" };
import type { Outcome } from "../../evaluation/kinds.ts";
import { ValueOutcome } from "../../evaluation/values.ts";
import { metrics } from "./index.ts";

interface Case {
  readonly what: string;
  readonly outcome: Outcome;
  readonly expected: Readonly<Record<string, number | null>>;
}
const cases: Readonly<Record<string, readonly Case[]>> = {
  classification: reference.classification.map(({ what, targets, outputs, gives, expected }) => ({
    what,
    expected,
    outcome: new ClassOutcome({
      classes: outputs[0]!.length,
      targets,
      outputs: Float32Array.from(outputs.flat()),
      gives: gives as "probabilities" | "scores",
    }),
  })),
  regression: reference.regression.map(({ what, expected, ...values }) => ({ what, expected, outcome: new ValueOutcome(values) })),
};

for (const { id, tasks, compute } of metrics)
  describe(id, () => {
    test.each([...cases[tasks[0]!]!])("agrees with scikit-learn on $what", ({ outcome, expected }) => {
      const [value, wanted] = [compute(outcome as never), expected[id]];
      if (wanted === null) return expect(value).toBeUndefined();
      expect(Math.abs(value! - wanted!)).toBeLessThanOrEqual(1e-12 * Math.max(1, Math.abs(wanted!)));
    });
  });

test.each(reference.classification)("the confusion matrix agrees with scikit-learn on $what", ({ targets, outputs, gives, confusion }) => {
  const given = { classes: outputs[0]!.length, targets, outputs: Float32Array.from(outputs.flat()), gives: gives as "scores" };
  expect(new ClassOutcome(given).confusion.map((row) => [...row])).toEqual(confusion);
});
