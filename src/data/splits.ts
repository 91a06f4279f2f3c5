/** Which samples go where: seeded, stratified draws from a split. Indices come in ascending order; training shuffles by itself. */
import type { Split, Task } from "../shared/dataset.ts";
import { fail, show } from "../shared/errors.ts";
import { type Random, random } from "../shared/random.ts";

/**
 * Draws `size` samples at random, for classification in proportion to the classes: the samples are shuffled, sorted by
 * class, and every (n / size)-th is taken. One sample of each class never enters the draw, so that no class is missing
 * from what is kept; fewer than `size` are drawn where that leaves too few.
 */
export function draw(targets: Split["targets"], size: number, task: Task, rng: Random): { drawn: Int32Array; kept: Int32Array } {
  const n = targets.length;
  const classOf = (i: number) => (task === "classification" ? (targets[i] as number) : 0);
  const shuffled = rng.permutation(n);
  const reserved = new Set<number>();
  const pool = shuffled.filter((i) => {
    if (reserved.has(classOf(i))) return true;
    reserved.add(classOf(i));
    return false;
  });
  if (task === "classification") pool.sort((a, b) => classOf(a) - classOf(b)); // stable: shuffled within a class
  const taken = new Uint8Array(n);
  const count = Math.min(size, pool.length);
  for (let i = 0; i < count; i++) taken[pool[Math.floor(((i + 0.5) * pool.length) / count)] as number] = 1;
  const all = shuffled.sort();
  return { drawn: all.filter((i) => taken[i]), kept: all.filter((i) => !taken[i]) };
}

/** How many of `n` samples a fraction is: at least one, unless the fraction is 0. */
export const share = (n: number, fraction: number): number => (fraction === 0 ? 0 : Math.max(1, Math.round(n * fraction)));

/** Sets samples of the training split aside to watch and choose by, as indices; the test split stays unseen. */
export function splitValidation(split: Split, fraction: number, seed: number, task: Task): { train: Int32Array; validation: Int32Array } {
  checkFraction("validation", fraction, true);
  const { drawn, kept } = draw(split.targets, share(split.count, fraction), task, random(seed, "validation"));
  if (fraction > 0 && drawn.length === 0)
    throw fail("BAD_USAGE", {
      problem: `no sample can be set aside for validation: ${split.count} in all${task === "classification" ? ", each the only one of its class" : ""}`,
      fix: "Add samples, or set the validation fraction to 0.",
    });
  return { train: kept, validation: drawn };
}

/** `orZero`: whether the part may be empty. */
export function checkFraction(name: string, fraction: number, orZero: boolean): void {
  if (fraction < 1 && (fraction > 0 || (orZero && fraction === 0))) return;
  throw fail("BAD_PARAMETER", { where: "split", name, want: `a fraction ${orZero ? "of at least" : "above"} 0 and below 1`, got: show(fraction) });
}

/** The samples of these indices, copied. */
export function gather(split: Split, indices: Int32Array): Split {
  const size = split.inputs.length / split.count;
  const like = <A extends Uint8Array | Int32Array | Float32Array>(array: A, length: number) =>
    new (array.constructor as new (n: number) => A)(length);
  const inputs = like(split.inputs, indices.length * size);
  const targets = like(split.targets, indices.length);
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i] as number;
    targets[i] = split.targets[index] as number;
    for (let from = index * size, to = i * size; to < (i + 1) * size; ) inputs[to++] = split.inputs[from++] as number;
  }
  return { inputs, targets, count: indices.length };
}
