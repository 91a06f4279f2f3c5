import { describe, expect, test } from "vitest";
import type { RunSummary } from "../shared/api/schemas.ts";
import { filterParts, filterText, tagField } from "../shared/run-filter.ts";
import { choicesOf, columnOf, isLowerBetter, wanted } from "./run-columns.ts";

const run = {
  number: 3,
  name: "a",
  tags: { team: "vision", 'of "two" words': "x", keep: "" },
  startedAt: "2026-01-01T00:00:00.000Z",
  endedAt: "2026-01-01T00:01:30.500Z",
  metrics: { "loss:min": 0.5, accuracy: null },
  settings: { "training.epochs": 3, optimizer: "adam" },
} as unknown as RunSummary;

describe("a column", () => {
  test.each([
    ["metrics.loss:min", "Loss, least", 0.5],
    ["metrics.accuracy", "Accuracy", null],
    ["training.epochs", "Epochs", 3],
    ["optimizer", "Optimizer", "adam"],
    ["optimizer.params.learningRate", "Optimizer: learning rate", null],
    ["tags.team", "Tag team", "vision"],
    ["duration", "Took", 90.5],
    ["tags", "Tags", 'team=vision, of "two" words=x, keep'],
  ])("%s is called %s", (id, label, value) => {
    expect([columnOf(id).label, columnOf(id).value(run)]).toEqual([label, value]);
  });
  test("is asked for as metric or setting, unless every list has it", () => {
    expect(wanted(["number", "tags.team", "tags", "metrics.loss:min", "training.epochs", "author"])).toEqual({
      metrics: ["loss:min"],
      settings: ["training.epochs"],
    });
  });
  test("can be of every field there is", () => {
    const { metrics, tags } = choicesOf({ metrics: ["loss"], settings: [], tags: ["of two"] });
    expect([metrics, tags]).toEqual([["metrics.loss", "metrics.loss:min", "metrics.loss:max"], ['tags."of two"']]);
    expect(columnOf(tags[0]!).label).toBe("Tag of two");
  });
});

test("less is better of losses and of what the catalog says so", () => {
  const metrics = [
    { id: "mae", better: "lower" },
    { id: "mean-absolute-error", better: "lower" },
    { id: "accuracy", better: "higher" },
  ] as never;
  expect(
    ["train_loss", "validation_loss:min", "test_mae", "validation_mean_absolute_error", "test_accuracy", "own"].map((id) =>
      isLowerBetter(id, metrics),
    ),
  ).toEqual([true, true, true, true, false, false]);
});

test.each(["state=failed", "metrics.loss:min<=0.1", "!tags.team", 'tags."of two words"=x', "name~a=b", "tags.team="])(
  "the condition %s comes apart and together again",
  (text) => {
    expect(filterText(filterParts(text)!)).toBe(text);
  },
);
test.each(["", "!", "name", "=x", "1=2"])("%j is no condition", (text) => {
  expect(filterParts(text)).toBeUndefined();
});
test("a tag of several words is quoted", () => {
  expect([tagField("team"), tagField("two words"), tagField("a=b")]).toEqual(["tags.team", 'tags."two words"', 'tags."a=b"']);
});
