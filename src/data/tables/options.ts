/** What can be said of a table that is imported: declared once, for the catalog, the command line and forms. */
import { columnTypes } from "../../shared/dataset.ts";
import { choice, integer, mapping, type ParamValues, text, texts } from "../../shared/define.ts";
import { type SplitParams, splitParams } from "../importing.ts";

/** Bytes that a line may have. */
export const MOST_LINE = 2 * 2 ** 20;

const encodings = ["auto", "utf-8", "windows-1252", "utf-16le", "utf-16be"] as const;
export type Encoding = (typeof encodings)[number];

export const tableParams = {
  target: text({ default: "", help: "The column to predict; empty: the one named target, label, class or the like, else the last." }),
  task: choice({
    default: "auto",
    options: ["auto", "classification", "regression"],
    help: "auto: classification for text or few distinct integers.",
  }),
  types: mapping({ default: {}, options: [...columnTypes, "drop"], help: "Columns that are to be taken for something else than was found." }),
  missing: texts({
    default: ["NA", "na", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "null", "NULL", "None", "?"],
    help: "Cells that mean missing, besides empty ones.",
  }),
  missingTarget: choice({ default: "refuse", options: ["refuse", "drop"], help: "What is done about rows without a value to predict." }),
  header: choice({ default: "auto", options: ["auto", "yes", "no"], help: "Whether the first line names the columns." }),
  delimiter: text({ default: "", help: "What ends a cell; empty: found out." }),
  encoding: choice({ default: "auto", options: encodings, help: "How the characters of a text file are written; auto: found out." }),
  sheet: text({ default: "", help: "Of an Excel workbook: the name or number of the sheet; empty: the first." }),
  skip: integer({ default: 0, min: 0, max: 1000, help: "Lines to pass over at the beginning of a text file." }),
  ...splitParams,
};

export interface TableOptions extends SplitParams {
  readonly target: string;
  readonly task: "auto" | "classification" | "regression";
  readonly types: Readonly<Record<string, string>>;
  readonly missing: readonly string[];
  readonly missingTarget: "refuse" | "drop";
  readonly header: "auto" | "yes" | "no";
  readonly delimiter: string;
  readonly encoding: Encoding;
  readonly sheet: string;
  readonly skip: number;
  /** Names of the columns of files without a header; of built-in datasets. */
  readonly columns: readonly string[];
  /** Whether all cells are taken as they are written, whatever they look like. */
  readonly asText?: boolean;
  /** What begins a line that is a remark; of built-in datasets. */
  readonly comment?: string;
  /** How class names are mended, as SQL of `x`; of built-in datasets. */
  readonly mendTarget?: string;
}

/** How rows came to their splits, as a snapshot keeps it. */
export const splittingOf = ({ split, splitColumn, validationFraction, testFraction, splitSeed }: TableOptions): ParamValues => ({
  split,
  splitColumn,
  validationFraction,
  testFraction,
  splitSeed,
});
