/** How much the samples of a learner count, one by one and by class. */
import type { FitData } from "./kinds.ts";

/** The weight of each sample, 1 where none are given. */
export const weightsOf = ({ weights, count }: Pick<FitData, "weights" | "count">): Float64Array => weights ?? new Float64Array(count).fill(1);

/** The weight of the samples of each class, [classes]. */
export function classSizes({ targets, labels }: Pick<FitData, "targets" | "labels">, weights: Float64Array): Float64Array {
  const sizes = new Float64Array(labels.length);
  for (let r = 0; r < targets.length; r++) sizes[targets[r]!]! += weights[r]!;
  return sizes;
}
