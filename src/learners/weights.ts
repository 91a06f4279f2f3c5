/** How much each sample counts: its own weight times that of its class. */
import type { ClassWeights } from "../shared/define.ts";
import { fail, show } from "../shared/errors.ts";

/**
 * "balanced" gives a class samples / (classes * samples of the class), over the classes that occur: as scikit-learn's compute_class_weight.
 * @param what names the model in errors
 * @param targets class indices, [count]
 * @param given weights of the samples, [count]
 * @returns [count], or undefined where all count 1
 * @throws BAD_PARAMETER for a class that there is not
 */
export function sampleWeights(
  what: string,
  targets: ArrayLike<number>,
  labels: readonly string[],
  classWeight: ClassWeights,
  given?: ArrayLike<number>,
): Float64Array | undefined {
  const each = classWeight === "none" ? undefined : weightOfEach(what, targets, labels, classWeight);
  if (!each && !given) return undefined;
  const weights = new Float64Array(targets.length);
  for (let i = 0; i < weights.length; i++) weights[i] = (each ? each[targets[i]!]! : 1) * (given ? given[i]! : 1);
  return weights.every((w) => w === 1) ? undefined : weights;
}

function weightOfEach(what: string, targets: ArrayLike<number>, labels: readonly string[], classWeight: Exclude<ClassWeights, "none">): Float64Array {
  if (classWeight !== "balanced") {
    const unknown = Object.keys(classWeight).find((name) => !labels.includes(name));
    if (unknown !== undefined)
      throw fail("BAD_PARAMETER", {
        where: what,
        name: "classWeight",
        want: `weights for classes of the dataset (${labels.slice(0, 20).join(", ")}${labels.length > 20 ? ", …" : ""})`,
        got: show(unknown),
      });
    return Float64Array.from(labels, (label) => (Object.hasOwn(classWeight, label) ? classWeight[label]! : 1));
  }
  const counts = new Float64Array(labels.length);
  for (let i = 0; i < targets.length; i++) counts[targets[i]!]!++;
  const present = counts.reduce((n, count) => n + Number(count > 0), 0);
  return counts.map((count) => (count ? targets.length / (present * count) : 0));
}
