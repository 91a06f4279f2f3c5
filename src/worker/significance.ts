/** Two runs beside each other on the same test rows, from the predictions that they left. */
import { catalog } from "../catalog/index.ts";
import { decodeSafetensors } from "../engine/safetensors.ts";
import { ClassOutcome } from "../evaluation/classes.ts";
import type { Outcome } from "../evaluation/kinds.ts";
import { compare } from "../evaluation/significance.ts";
import { ValueOutcome } from "../evaluation/values.ts";
import { fail } from "../shared/errors.ts";
import type { Significance } from "../shared/evaluation.ts";
import type { CompareRequest } from "../shared/predictor.ts";

/** Settles the resamples: equal runs, equal answer. */
const SEED = 1;

/** @throws BAD_FILE, BAD_USAGE where the rows or what they are measured by differ */
export function significanceOf({ task, metric: id, predictions }: CompareRequest): Significance {
  const [first, second] = predictions.map((bytes) => outcomeIn(bytes, task)) as [Outcome, Outcome];
  if (first.count !== second.count || Array.from(first.targets).some((target, row) => target !== second.targets[row]))
    throw fail("BAD_USAGE", { problem: "the runs were tested on other rows", fix: "Compare runs of one version of a dataset." });
  const metric = catalog.metrics.find((one) => one.id === id)!;
  const found = compare(metric, first, second, SEED);
  if (!found)
    throw fail("BAD_USAGE", {
      problem: `${metric.title} is not defined on what the runs predicted`,
      fix: "Choose another metric, such as accuracy.",
    });
  return found;
}

function outcomeIn(bytes: Uint8Array, task: CompareRequest["task"]): Outcome {
  const path = "predictions.safetensors";
  const { tensors, metadata } = decodeSafetensors(bytes, path);
  const [outputs, targets, predicted] = ["outputs", "targets", "predicted"].map((name) => {
    const tensor = tensors.get(name);
    if (!tensor) throw fail("BAD_FILE", { path, want: `a tensor "${name}"`, got: "none", fix: "Evaluate the run again." });
    return tensor;
  }) as [Tensor, Tensor, Tensor];
  if (task === "regression") return new ValueOutcome({ targets: targets.data, predictions: predicted.data });
  return new ClassOutcome({
    classes: outputs.shape[1]!,
    targets: targets.data,
    outputs: outputs.data,
    predicted: Int32Array.from(predicted.data),
    gives: metadata.gives === "probabilities" ? "probabilities" : "scores",
  });
}
type Tensor = NonNullable<ReturnType<ReturnType<typeof decodeSafetensors>["tensors"]["get"]>>;
