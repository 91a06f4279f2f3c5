/** Parameters of trees, and what they come to for some data. */
import type { Task } from "../../shared/dataset.ts";
import { choice, classWeights, integer, number, type ValuesOf } from "../../shared/define.ts";
import { fail } from "../../shared/errors.ts";
import type { FitData } from "../kinds.ts";
import type { Plan } from "./grow.ts";

const NUMBERS = ["squared_error"];

/** Of a single tree and of forests alike. */
export const treeParams = {
  criterion: choice({
    default: "auto",
    options: ["auto", "gini", "entropy", "log_loss", "squared_error"],
    help: "What a split makes smaller: the gini impurity or the entropy (log_loss is the same) of classes, the squared error of numbers. auto: gini, or squared_error.",
  }),
  maxDepth: integer({ default: 0, min: 0, help: "Most splits between the root and a leaf; 0: no limit." }),
  minSamplesSplit: number({ default: 2, min: 0, help: "Fewest rows of a node that is split: that many, or below 1 that share of all rows." }),
  minSamplesLeaf: number({ default: 1, min: 0, help: "Fewest rows on either side of a split: that many, or below 1 that share of all rows." }),
  minWeightFractionLeaf: number({ default: 0, min: 0, max: 0.5, help: "Least share of the weight of all rows on either side of a split." }),
  maxLeafNodes: integer({ default: 0, min: 0, help: "Most leaves; then the node that gains the most is split first. 0: no limit." }),
  minImpurityDecrease: number({ default: 0, min: 0, help: "A node is split only if that takes away this much of the impurity of the tree." }),
  ccpAlpha: number({
    default: 0,
    min: 0,
    help: "Cost of a leaf: subtrees are cut off that take away less impurity than this for each of their leaves. 0: none is.",
  }),
  classWeight: classWeights({ default: "none", help: "How much each class counts in the impurity and in the leaves." }),
};
export const FEATURES_HELP =
  "Columns that are drawn for each split: that many, below 1 that share, all, the square root (sqrt) or the binary logarithm (log2) of all";

export type TreeParams = ValuesOf<typeof treeParams> & { readonly maxFeatures: number | "auto" | "all" | "sqrt" | "log2" };

/** What does not go together, of a single tree and of forests alike. */
export function checkTree(params: TreeParams, task?: Task) {
  const { criterion, minSamplesSplit, minSamplesLeaf, maxLeafNodes } = params;
  if (task && criterion !== "auto" && NUMBERS.includes(criterion) !== (task === "regression"))
    return {
      name: "criterion",
      want: task === "regression" ? "squared_error or auto for numbers" : "gini, entropy, log_loss or auto for classes",
      got: criterion,
    };
  for (const [name, value, least] of [
    ["minSamplesSplit", minSamplesSplit, 2],
    ["minSamplesLeaf", minSamplesLeaf, 1],
  ] as const)
    if (value === 0 || (value >= 1 && (value < least || !Number.isInteger(value))))
      return { name, want: `an integer of at least ${least}, or a share between 0 and 1`, got: `${value}` };
  if (maxLeafNodes === 1) return { name: "maxLeafNodes", want: "0 or an integer of at least 2", got: "1" };
  const { maxFeatures } = params;
  if (typeof maxFeatures === "number" && (maxFeatures === 0 || (maxFeatures > 1 && !Number.isInteger(maxFeatures))))
    return { name: "maxFeatures", want: "an integer of at least 1, or a share between 0 and 1", got: `${maxFeatures}` };
  return undefined;
}

const amount = (value: number, of: number): number => (value < 1 ? Math.ceil(value * of) : value);

function columnsAtASplit(wanted: TreeParams["maxFeatures"], features: number, classes: number): number {
  const word = wanted === "auto" ? (classes ? "sqrt" : "all") : wanted;
  const many = { all: features, sqrt: Math.sqrt(features), log2: Math.log2(features) };
  const drawn = typeof word === "string" ? many[word] : word < 1 ? word * features : word;
  return Math.min(Math.max(Math.floor(drawn), 1), features);
}

/** @throws UNFIT_DATA where no row counts */
export function planOf(what: string, data: FitData, params: TreeParams, seed: number): Omit<Plan, "columns" | "randomCuts" | "draws"> {
  const { count, features, targets, weights, labels } = data;
  if (!count || weights?.every((weight) => !(weight > 0)))
    throw fail("UNFIT_DATA", {
      what,
      problem: "no row of the training split has a weight above 0",
      fix: "Give some rows, and their classes, a weight.",
    });
  const minLeaf = amount(params.minSamplesLeaf, count);
  return {
    count,
    targets,
    weights,
    classes: labels.length,
    seed,
    entropy: params.criterion === "entropy" || params.criterion === "log_loss",
    maxDepth: params.maxDepth || Number.POSITIVE_INFINITY,
    minSplit: Math.max(amount(params.minSamplesSplit, count), 2),
    minLeaf,
    minWeight: params.minWeightFractionLeaf,
    maxFeatures: columnsAtASplit(params.maxFeatures, features, labels.length),
    maxLeaves: params.maxLeafNodes || Number.POSITIVE_INFINITY,
    minDecrease: params.minImpurityDecrease,
    pruning: params.ccpAlpha,
  };
}
