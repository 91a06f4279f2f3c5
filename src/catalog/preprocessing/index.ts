/** Every step of preprocessing: what samples go through before the network sees them, compiled into the model. */
import type { PreprocessingKind } from "../../data/kinds.ts";
import { bin } from "./bins.ts";
import { hashing, oneHot, ordinal } from "./categories.ts";
import { drop, select } from "./columns.ts";
import { dateParts } from "./dates.ts";
import { impute } from "./missing.ts";
import { clip, log, minMax, robust, standardise } from "./numbers.ts";
import { centreCrop, grayscale, invert, normalise, resize } from "./pictures.ts";
import { bagOfWords } from "./words.ts";

export const preprocessing: readonly PreprocessingKind[] = [
  drop,
  select,
  impute,
  standardise,
  minMax,
  robust,
  log,
  clip,
  bin,
  oneHot,
  ordinal,
  hashing,
  dateParts,
  bagOfWords,
  resize,
  centreCrop,
  grayscale,
  normalise,
  invert,
];
