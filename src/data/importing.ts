/** What every import is given and what all kinds of data share: where files are looked for, how rows are split, how far it is. */
import type { Task } from "../shared/dataset.ts";
import { choice, integer, number, text, type ValuesOf } from "../shared/define.ts";
import type { DataWarning } from "../shared/profile.ts";

/** Where an import works. */
export interface ImportContext {
  /** The file, or the folder with the files. Absent: a built-in dataset is to be found by itself. */
  readonly path?: string;
  /** An empty folder of its own on a local disk: the snapshot is written here, and what is needed on the way. */
  readonly directory: string;
  /** Where downloads are kept for the next time; without it nothing is downloaded. */
  readonly cache?: string;
  readonly signal?: AbortSignal;
  /** Called a few times a second with what is done of all: bytes, rows or pictures, whichever is known. */
  readonly progress?: (done: number, total: number) => void;
}

/** How the rows of an import come to their splits; drawn once, fixed in the snapshot. */
export const splitParams = {
  split: choice({
    default: "auto",
    options: ["auto", "stratified", "random", "group", "time", "given"],
    help: "How rows are split. auto: as the files say (train, validation and test files or folders), else stratified by class, else random. group: rows of equal splitColumn stay together. time: the latest rows are tested on. given: splitColumn says train, validation or test.",
  }),
  splitColumn: text({ default: "", help: "The column with groups, times or the names of the splits." }),
  validationFraction: number({
    default: 0.1,
    min: 0,
    max: 0.9,
    help: "Share of the rows to choose the best epoch and settings by; 0: each training sets its own aside.",
  }),
  testFraction: number({ default: 0.2, min: 0.01, max: 0.9, help: "Share of the rows held out for the final evaluation." }),
  splitSeed: integer({ default: 1, min: 0, help: "Draws the rows: the same seed and files, the same splits." }),
};
export type SplitParams = ValuesOf<typeof splitParams>;

/** Some pictures of a stream, in their order; those that cannot be read are missing. */
export interface PictureBatch {
  /** Their places among all pictures of the stream, ascending. */
  readonly at: ArrayLike<number>;
  /** [at.length, channels, height, width]; the array may be used again once the next batch is asked for. */
  readonly pixels: Uint8Array;
}

/** Pictures whose labels are known before they are read, so that it can be settled where each goes. */
export interface PictureStream {
  /** Class of each picture; its value, for regression. */
  readonly targets: Int32Array | Float32Array;
  pictures(): AsyncIterable<PictureBatch>;
}

/** Everything that becomes a snapshot of pictures. */
export interface PictureSource {
  readonly pictureShape: readonly [channels: number, height: number, width: number];
  readonly labels: readonly string[];
  readonly task: Task;
  /** Splits as the files give them; or all pictures, to be drawn from. What is given without validation or test has these drawn from `train`, as the fractions say. */
  readonly splits: { readonly train: PictureStream; readonly validation?: PictureStream; readonly test?: PictureStream };
  /** What else is to be known of the files: what was left out. */
  readonly warnings?: readonly DataWarning[];
  /** Of the files, where they were not of one size and format. */
  readonly found?: () => {
    readonly sizes: readonly { width: number; height: number; count: number }[];
    readonly channels: readonly { channels: number; count: number }[];
    readonly formats: readonly { format: string; count: number }[];
    readonly broken: readonly { file: string; why: string }[];
  };
}
