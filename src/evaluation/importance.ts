/** Permutation importance (Breiman 2001): how much worse a score gets when the values of a feature are dealt out anew among the rows. */
import { random } from "../shared/random.ts";

const REPEATS = 5;

export interface Drop {
  readonly mean: number;
  /** Over the repeats. */
  readonly deviation: number;
}

/**
 * @param inputs [rows, features]
 * @param groups features that are dealt out together, such as those made of one column
 * @param score of rows whose inputs are these, higher is better
 * @returns for each group the score less that of shuffled values
 */
export async function permutationImportance(
  inputs: Float32Array,
  features: number,
  groups: readonly (readonly number[])[],
  seed: number,
  score: (inputs: Float32Array) => Promise<number>,
): Promise<Drop[]> {
  const rows = inputs.length / features;
  const whole = await score(inputs);
  const drops: Drop[] = [];
  for (const [g, group] of groups.entries()) {
    const each: number[] = [];
    for (let repeat = 0; repeat < REPEATS; repeat++) {
      const order = random(seed, "importance", g, repeat).permutation(rows);
      const shuffled = inputs.slice();
      for (const f of group) for (let row = 0; row < rows; row++) shuffled[row * features + f] = inputs[order[row]! * features + f]!;
      each.push(whole - (await score(shuffled)));
    }
    const mean = each.reduce((a, b) => a + b, 0) / REPEATS;
    drops.push({ mean, deviation: Math.sqrt(each.reduce((a, b) => a + (b - mean) ** 2, 0) / REPEATS) });
  }
  return drops;
}
