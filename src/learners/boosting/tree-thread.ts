/** Grows trees in a thread of gradient boosting. Started by gradient-boosting.ts. */
import { random } from "../../shared/random.ts";
import { serve } from "../threads.ts";
import type { Bins } from "./bins.ts";
import { addTree, Grower, type GrowOptions, type Tree } from "./grow.ts";

export interface SharedFit {
  readonly bins: Bins;
  readonly count: number;
  /** Rows to learn from, and the others. */
  readonly rows: Int32Array;
  readonly held: Int32Array;
  /** [trees an iteration, count]. */
  readonly gradients: Float64Array;
  readonly hessians: Float64Array;
  readonly raw: Float64Array;
  readonly options: GrowOptions;
  readonly seed: number;
}
/** A tree to grow, or one that is there already: what it says is added to the raw predictions. */
export interface TreeTask {
  readonly iteration: number;
  readonly target: number;
  readonly known?: Tree;
}

serve(({ bins, count, rows, held, gradients, hessians, raw, options, seed }: SharedFit) => {
  const grower = new Grower(bins, count, rows.length);
  return ({ iteration, target, known }: TreeTask): Tree => {
    const of = (values: Float64Array) => values.subarray(target * count, (target + 1) * count);
    const out = of(raw);
    const tree = known ?? grower.grow(rows, of(gradients), of(hessians), options, random(seed, "features", iteration, target));
    if (known) addTree(tree, bins, count, rows, out);
    else grower.add(tree, out);
    addTree(tree, bins, count, held, out);
    return tree;
  };
});
