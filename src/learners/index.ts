/** Every classical learner. */
import { gradientBoosting } from "./boosting/gradient-boosting.ts";
import { dummy } from "./dummy.ts";
import type { LearnerKind } from "./kinds.ts";
import { logisticRegression } from "./linear/logistic-regression.ts";
import { naiveBayes } from "./naive-bayes.ts";
import { kNearestNeighbours } from "./neighbours/k-nearest-neighbours.ts";
import { svm } from "./svm/svm.ts";
import { decisionTree, extraTrees, randomForest } from "./trees/index.ts";

export const learners: readonly LearnerKind[] = [
  decisionTree,
  dummy,
  gradientBoosting,
  extraTrees,
  kNearestNeighbours,
  logisticRegression,
  naiveBayes,
  randomForest,
  svm,
];
