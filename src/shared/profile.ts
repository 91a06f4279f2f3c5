/** What is known of data: the preview before an import, and the profile of a snapshot. Schemas, as both are sent as they are. */
import { z } from "zod";
import { columnTypes } from "./dataset.ts";

const count = z.int().min(0);
const finite = z.number();
const task = z.enum(["classification", "regression"]);
const pictureSizes = z.array(z.object({ width: count, height: count, count }));
const pictureChannels = z.array(z.object({ channels: count, count }));
const pictureFormats = z.array(z.object({ format: z.string(), count }));

/** A thing worth knowing, in plain words: what, where, what to do. */
export const warning = z
  .object({
    code: z.enum([
      "imbalance",
      "small_class",
      "leakage",
      "target_leakage",
      "duplicates",
      "near_duplicates",
      "constant",
      "identifier",
      "missing",
      "broken",
      "few_rows",
      "many_categories",
    ]),
    message: z.string(),
    fix: z.string(),
    columns: z.array(z.string()).optional(),
  })
  .meta({ id: "DataWarning", description: "Something in the data that makes a model worse, or its numbers better than they are." });
export type DataWarning = z.infer<typeof warning>;

/** Shares at which quantiles are told: 0 the least, 1 the greatest value. */
export const quantileShares = [0, 0.01, 0.05, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 0.95, 0.99, 1] as const;

export const columnProfile = z
  .object({
    name: z.string(),
    type: z.enum(columnTypes),
    role: z.enum(["feature", "target"]),
    missing: count,
    distinct: count,
    /** Of numbers and dates (seconds since 1970 UTC). */
    mean: finite.optional(),
    deviation: finite.optional(),
    quantiles: z
      .array(finite)
      .optional()
      .meta({ description: `At the shares ${quantileShares.join(", ")}.` }),
    histogram: z
      .object({ edges: z.array(finite), counts: z.array(count) })
      .optional()
      .meta({ description: "Between equally spaced edges; one count fewer than edges. The last one counts its upper edge." }),
    /** Of categories and texts: the most frequent values. */
    top: z.array(z.object({ value: z.string(), count })).optional(),
    /** How much it tells of the target, 0 to 1: |Pearson's r|, the correlation ratio, or Cramér's V. */
    association: z.object({ measure: z.enum(["pearson", "correlation_ratio", "cramers_v"]), value: finite }).optional(),
  })
  .meta({ id: "ColumnProfile" });
export type ColumnProfile = z.infer<typeof columnProfile>;

export const splitCounts = z.object({ train: count, validation: count, test: count });

export const profile = z
  .object({
    kind: z.enum(["pictures", "table"]),
    records: splitCounts,
    classes: z
      .array(z.object({ label: z.string(), ...splitCounts.shape }))
      .optional()
      .meta({ description: "Class balance, by split." }),
    columns: z.array(columnProfile).optional().meta({ description: "Of a table: its features and its target, over all splits." }),
    pictures: z
      .object({
        /** Of the files, before they were brought to one size. */
        sizes: pictureSizes,
        channels: pictureChannels,
        formats: pictureFormats,
        /** Per channel, over the training split, 0 to 255. */
        mean: z.array(finite),
        deviation: z.array(finite),
        broken: z.array(z.object({ file: z.string(), why: z.string() })).meta({ description: "Files that were left out." }),
      })
      .optional(),
    duplicates: z
      .object({
        exact: count.meta({ description: "Records that are like an earlier one." }),
        near: count.optional().meta({ description: "Pictures that look like an earlier one (difference hash)." }),
        acrossSplits: count.meta({ description: "Records of validation or test that training sees, too." }),
        examples: z
          .array(z.object({ split: z.string(), row: count, like: z.object({ split: z.string(), row: count }), exact: z.boolean() }))
          .meta({ description: "Some of them, by place in their split." }),
      })
      .optional(),
    warnings: z.array(warning),
    sample: z
      .array(z.record(z.string(), z.union([z.string(), z.number(), z.null()])))
      .optional()
      .meta({ description: "The first rows of the training split, target included." }),
  })
  .meta({ id: "Profile", description: "What is known of a snapshot: computed once, when it is imported." });
export type Profile = z.infer<typeof profile>;

export const preview = z
  .object({
    kind: z.enum(["pictures", "table"]),
    format: z
      .object({
        name: z.string().meta({ description: "csv, json, parquet, xlsx, zip, tar, folder, idx, npy." }),
        delimiter: z.string().optional(),
        quote: z.string().optional(),
        encoding: z.string().optional(),
        header: z.boolean().optional(),
      })
      .meta({ description: "What the files were found to be." }),
    records: count.meta({ description: "Rows or pictures." }),
    estimated: z.boolean().meta({ description: "Whether `records` was told from a part of the file." }),
    columns: z.array(
      z.object({
        name: z.string(),
        type: z.enum(columnTypes),
        missing: count,
        distinct: count,
        examples: z.array(z.string()),
      }),
    ),
    target: z
      .object({ name: z.string(), task, why: z.string() })
      .optional()
      .meta({ description: "What would be predicted unless something else is said." }),
    rows: z.array(z.array(z.string().nullable())).meta({ description: "The first rows, cell by cell, as text." }),
    classes: z.array(z.object({ label: z.string(), count })).optional(),
    pictureShape: z.array(count).optional().meta({ description: "[channels, height, width] that they would be brought to." }),
    pictures: z
      .object({ sizes: pictureSizes, channels: pictureChannels, formats: pictureFormats })
      .optional()
      .meta({ description: "Of those that were looked at: the most frequent first." }),
    problems: z
      .array(z.object({ where: z.string(), message: z.string(), fix: z.string() }))
      .meta({ description: "What an import would refuse or leave out." }),
  })
  .meta({ id: "Preview", description: "Files before they are imported: types found, target suggested, first rows, problems." });
export type Preview = z.infer<typeof preview>;

const pair = <T extends z.ZodType>(of: T) => z.object({ base: of, other: of });
const verdict = z.enum(["stable", "shifted", "strongly shifted"]);
const psi = finite.meta({ description: "Population stability index: below 0.1 stable, below 0.25 shifted, else strongly shifted." });

export const comparison = z
  .object({
    records: pair(splitCounts),
    columns: z.object({
      added: z.array(z.string()),
      removed: z.array(z.string()),
      retyped: z.array(z.object({ name: z.string(), base: z.enum(columnTypes), other: z.enum(columnTypes) })),
      drift: z.array(
        z.object({
          name: z.string(),
          type: z.enum(columnTypes),
          psi,
          missing: pair(finite).meta({ description: "Share of the records." }),
          /** Of numbers and dates. */
          ks: finite.optional().meta({ description: "Kolmogorov-Smirnov distance, at the quantiles that are known." }),
          mean: pair(finite).optional(),
          median: pair(finite).optional(),
          /** Of categories and texts. */
          variation: finite.optional().meta({ description: "Total variation distance, 0 to 1." }),
          appeared: z.array(z.string()).optional().meta({ description: "Values that are new." }),
          vanished: z.array(z.string()).optional(),
          verdict,
        }),
      ),
    }),
    classes: z
      .object({
        added: z.array(z.string()),
        removed: z.array(z.string()),
        counts: z.array(z.object({ label: z.string(), base: count, other: count })),
        psi,
        verdict,
      })
      .optional(),
    pictures: z
      .object({
        mean: pair(z.array(finite)),
        deviation: pair(z.array(finite)),
        shift: finite.optional().meta({ description: "Greatest change of a channel's mean, in deviations of the base." }),
        verdict,
      })
      .optional(),
  })
  .meta({ id: "Comparison", description: "How far two versions of a dataset are from each other." });
export type Comparison = z.infer<typeof comparison>;
