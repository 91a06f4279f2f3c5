/** Decision trees and forests of them. */
import type { Task } from "../../shared/dataset.ts";
import { boolean, choice, integer, number, numberOr, type ValuesOf } from "../../shared/define.ts";
import { learner } from "../kinds.ts";
import { fitTrees } from "./fit.ts";
import { checkTree, FEATURES_HELP, planOf, treeParams } from "./params.ts";
import { graphOf, importanceOf } from "./tensors.ts";

const common = {
  tasks: ["classification", "regression"],
  unit: "trees",
  reads: "raw",
  missing: false,
  partial: true,
  gives: () => "probabilities" as const,
  graph: graphOf,
  importance: importanceOf,
} as const;

export const decisionTree = learner({
  ...common,
  id: "decision-tree",
  title: "Decision tree",
  summary: "Asks one question of one column after another, each the one that sorts out the training rows best: easy to read, quick to overfit.",
  reference: "https://doi.org/10.1201/9781315139470",
  params: {
    ...treeParams,
    splitter: choice({
      default: "best",
      options: ["best", "random"],
      help: "Whether the best threshold of a column is looked for, or the best of one random threshold for each column.",
    }),
    maxFeatures: numberOr({ default: "all", options: ["all", "sqrt", "log2"], of: "number", min: 0, help: `${FEATURES_HELP}.` }),
  },
  check: checkTree,
  fit: (data, params, context) => {
    const plan = { ...planOf('model "decision-tree"', data, params, context.seed), randomCuts: params.splitter === "random", draws: 0 };
    return fitTrees(data, { plan, trees: 1, outOfBag: false }, context);
  },
});

/** Of forests; those whose trees differ by what they draw draw rows, those that cut at random need not. */
const forestParams = (bootstrap: boolean) => ({
  nEstimators: integer({ default: 100, min: 1, help: "How many trees there are." }),
  ...treeParams,
  maxFeatures: numberOr({
    default: "auto",
    options: ["auto", "all", "sqrt", "log2"],
    of: "number",
    min: 0,
    help: `${FEATURES_HELP}. auto: sqrt for classes, all for numbers.`,
  }),
  bootstrap: boolean({ default: bootstrap, help: "Whether each tree learns from rows drawn with replacement, rather than from all." }),
  maxSamples: number({ default: 1, min: 0, max: 1, help: "How many rows each tree draws, as a share of all; only with bootstrap." }),
  oobScore: boolean({ default: false, help: "Whether to measure each row by the trees that did not draw it; only with bootstrap." }),
});
type ForestParams = ValuesOf<ReturnType<typeof forestParams>>;

function checkForest(params: ForestParams, task?: Task) {
  const { bootstrap, maxSamples, oobScore } = params;
  if (maxSamples === 0) return { name: "maxSamples", want: "a share above 0", got: "0" };
  if (!bootstrap && maxSamples !== 1) return { name: "maxSamples", want: "1 without bootstrap", got: `${maxSamples}` };
  if (!bootstrap && oobScore) return { name: "oobScore", want: "false without bootstrap, as no tree leaves a row out", got: "true" };
  return checkTree(params, task);
}

const forest = (id: string, randomCuts: boolean, head: { title: string; summary: string; reference: string }) =>
  learner({
    ...common,
    ...head,
    id,
    params: forestParams(!randomCuts),
    check: checkForest,
    fit: (data, params, context) => {
      const draws = params.bootstrap ? Math.max(Math.round(params.maxSamples * data.count), 1) : 0;
      const plan = { ...planOf(`model "${id}"`, data, params, context.seed), randomCuts, draws };
      return fitTrees(data, { plan, trees: params.nEstimators, outOfBag: params.oobScore }, context);
    },
  });

export const extraTrees = forest("extra-trees", true, {
  title: "Extra trees",
  summary: "Averages trees whose thresholds are drawn at random: more trees' worth of variety than a random forest, and quicker to grow.",
  reference: "https://doi.org/10.1007/s10994-006-6226-1",
});

export const randomForest = forest("random-forest", false, {
  title: "Random forest",
  summary: "Averages trees that each learn from rows drawn anew, and look at few columns for each split: hard to overfit, good without tuning.",
  reference: "https://doi.org/10.1023/A:1010933404324",
});
