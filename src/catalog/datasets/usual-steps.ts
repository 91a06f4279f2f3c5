/** What is done to samples unless a run says something else. */
import type { PreprocessingStep } from "../../data/kinds.ts";

/** Whatever the columns of a table are, a network can read them then: a step passes over tables without columns that it suits. */
export const forTables: readonly PreprocessingStep[] = [
  { step: "date-parts" },
  { step: "impute" },
  { step: "standardise" },
  { step: "one-hot" },
  { step: "bag-of-words" },
];

/** Pixels to 0 to 1. */
export const forPictures: readonly PreprocessingStep[] = [{ step: "normalise", params: { mean: [0], deviation: [255] } }];
