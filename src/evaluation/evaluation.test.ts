/** Reports against scikit-learn: the numbers come from test/python/reference_evaluation.py. */
import { describe, expect, test } from "vitest";
import { classificationReport } from "./classification.ts";
import reference from "./evaluation.reference.json" with { type: "json" };
import { regressionReport } from "./regression.ts";

/** The same object, each number of it to 8 digits. */
const close = (report: object) => JSON.parse(JSON.stringify(report), (_, value) => (typeof value === "number" ? expect.closeTo(value, 8) : value));

describe("classificationReport agrees with scikit-learn", () => {
  test.each(reference.classification)("on $what", ({ confusion, report }) => {
    expect(classificationReport(confusion)).toEqual(close(report));
  });
});

describe("regressionReport agrees with scikit-learn", () => {
  test.each(reference.regression)("on $what", ({ predictions, targets, report }) => {
    expect(regressionReport(predictions, targets)).toEqual(close(report));
  });
});
