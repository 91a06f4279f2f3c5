/** Records of a dataset, a page at a time: schemas, as they are sent as they are, and what the predictor process is asked. */
import { z } from "zod";
import { splitNames } from "./dataset.ts";

/** Records of one answer. */
export const MOST_RECORDS = 200;
/** Columns of a table that are shown; a bag of words has thousands. */
export const MOST_COLUMNS = 200;
/** Characters of a cell. */
export const MOST_CELL = 1000;

const place = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
export const splitName = z.enum(splitNames);
export const recordIndex = place.meta({ description: "Place in the split, from 0." });

export const recordQuery = {
  split: splitName.default("train"),
  label: z.string().max(1000).optional().meta({ description: "Only those of this class." }),
  text: z
    .string()
    .max(200)
    .optional()
    .meta({ description: "Only those where it occurs: of a table in a cell; of pictures in the name of the class, or as the place." }),
  index: z
    .preprocess((v) => (v === undefined || Array.isArray(v) ? v : [v]), z.array(place).max(MOST_RECORDS).optional())
    .meta({ description: "Only those at these places, in this order: index=3&index=17. Without label and text." }),
  offset: place.default(0),
  limit: z.coerce.number().int().min(1).max(MOST_RECORDS).default(50),
};

export const records = z
  .object({
    split: splitName,
    total: z.int().meta({ description: "Records of the split." }),
    matched: z.int().meta({ description: "Those that were asked for, on all pages." }),
    offset: z.int(),
    columns: z.array(z.string()).meta({ description: "Of `cells`; none of pictures." }),
    more: z.int().meta({ description: "Columns besides those." }),
    items: z.array(
      z.object({
        index: z.int().meta({ description: "Place in the split, from 0: as an evaluation has it." }),
        target: z.union([z.string(), z.number()]).meta({ description: "The class, or the value to predict." }),
        cells: z.array(z.string().nullable()).optional().meta({ description: "Of a table: as text, cut off where it is long; null where missing." }),
      }),
    ),
  })
  .meta({ id: "Records", description: "Records of one split of a dataset, a page of them." });
export type Records = z.infer<typeof records>;

/** Which rows of a table are wanted. */
export interface RowQuery {
  /** By place. */
  readonly indices?: readonly number[];
  readonly target?: { readonly column: string; readonly label: string };
  /** Occurs in a cell, in upper or lower case. */
  readonly text?: string;
  readonly offset: number;
  readonly limit: number;
}

export interface FoundRows {
  readonly matched: number;
  readonly columns: readonly string[];
  readonly more: number;
  /** In the order of their places. */
  readonly rows: readonly { readonly index: number; readonly cells: readonly (string | null)[] }[];
}
