/** What a dataset of the catalog is, and a step of preprocessing. The catalog declares entries of these kinds. */
import type { Value } from "../engine/graph.ts";
import type { ColumnType, Fitted, Task } from "../shared/dataset.ts";
import type { Head, Params, ValuesOf } from "../shared/define.ts";
import type { Preview } from "../shared/profile.ts";
import type { NamedColumn, TableFlow } from "./flow.ts";
import type { ImportContext } from "./importing.ts";
import type { Imported } from "./snapshot.ts";
import type { Sources } from "./sources.ts";

/** A step that samples go through before the network sees them, in the words of forms, flags and manifests. */
export interface PreprocessingStep {
  /** Id of an entry of the catalog's list `preprocessing`. */
  readonly step: string;
  /** The formula, as the entry says it; whatever comes in a request is replaced by it. */
  readonly computation?: string;
  readonly params?: Readonly<Record<string, unknown>>;
}

/** What a step of either kind says of itself. */
interface StepHead<P extends Params> extends Head<P> {
  /** The formula, in words that stand in settings and models. */
  readonly computation: string;
  /** What of the parameters does not go together. */
  check?(params: ValuesOf<P>): { readonly name: string; readonly want: string; readonly got: string } | undefined;
}

/** The training rows of one column, as they come to a step: what it may learn from. */
export type ColumnRows =
  /** `data` may be changed, and is read once. */
  | { readonly name: string; readonly type: "number"; readonly data: Float32Array }
  /** How often each value occurs, by its code. */
  | { readonly name: string; readonly type: "category"; readonly values: readonly string[]; readonly counts: Float64Array }
  | { readonly name: string; readonly type: "text"; readonly texts: AsyncIterable<readonly string[]> };

/** A column that a step works on, and what was learnt from it. */
export interface FittedColumn<F extends Fitted> extends NamedColumn {
  readonly fitted: F;
}

/** A step for tables. Its parameter `columns` names those that it works on. */
export interface TableStep<P extends Params = Params, F extends Fitted = Fitted> extends StepHead<P> {
  readonly of: "table";
  readonly suits: readonly ColumnType[];
  /** Which columns it works on: those named, or all that it suits; only those named; or all but those named. */
  readonly chooses: "all" | "named" | "others";
  /** What a column becomes; undefined where only the training rows can tell. Absent: itself. */
  becomes?(column: NamedColumn, params: ValuesOf<P>): readonly NamedColumn[] | undefined;
  /** Learns from the training rows of one column. @throws BAD_PREPROCESSING */
  fit?(column: ColumnRows, params: ValuesOf<P>): F | Promise<F>;
  build(flow: TableFlow, on: readonly FittedColumn<F>[], params: ValuesOf<P>): TableFlow;
}

/** Mean and deviation of each channel. */
export interface Moments {
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
}

/** A step for pictures. */
export interface PictureStep<P extends Params = Params> extends StepHead<P> {
  readonly of: "pictures";
  /** [channels, height, width] before -> after. Absent: the same. @throws BAD_PREPROCESSING for pictures that it does not suit */
  shape?(shape: PictureShape, params: ValuesOf<P>): PictureShape;
  /** uint8 [batch, channels, height, width] before -> after. */
  build?(pixels: Value, params: ValuesOf<P>): Value;
  /** (x - mean) / deviation, for one channel as for each; nothing that works on pixels may come after it. */
  scale?(training: () => Moments | Promise<Moments>, params: ValuesOf<P>): Moments | Promise<Moments>;
}
export type PictureShape = readonly [channels: number, height: number, width: number];
export type PreprocessingKind = TableStep | PictureStep;

/** Declares a step for tables: see `DatasetKind`. */
export const tableStep = <const P extends Params, F extends Fitted = null>(kind: Omit<TableStep<P, F>, "of">): PreprocessingKind =>
  ({ of: "table", ...kind }) as unknown as TableStep;
/** Declares a step for pictures. */
export const pictureStep = <const P extends Params>(kind: Omit<PictureStep<P>, "of">): PreprocessingKind =>
  ({ of: "pictures", ...kind }) as unknown as PictureStep;

/** What is known of a dataset before it is loaded. */
export interface DatasetFacts {
  readonly task: Task;
  /** As `Dataset.sampleShape`. */
  readonly sampleShape: readonly number[];
  readonly features: readonly { readonly name: string; readonly type: "picture" | ColumnType; readonly shape?: readonly number[] }[];
  readonly labels: readonly string[];
  readonly records: { readonly train: number; readonly test: number };
}

/** Where samples come from. */
export interface DatasetKind<P extends Params = Params> extends Head<P> {
  readonly tasks: readonly Task[];
  /** The model to begin with. */
  readonly suggestedModel: string;
  readonly licence?: string;
  readonly citation?: string;
  /** With the parameters' defaults. Absent where the files decide. */
  readonly facts?: DatasetFacts;
  /** Where a built-in dataset's files come from. */
  readonly sources?: Sources;
  /** What is done unless a run says something else, in order, compiled into the model. */
  readonly preprocessing: readonly PreprocessingStep[];
  /** The same for a table, where the files decide whether they are pictures or one. */
  readonly tablePreprocessing?: readonly PreprocessingStep[];
  /** Reads the files into a snapshot. @throws BAD_FILE and its kin; nothing outside of the context's folder is written then */
  importFiles(params: ValuesOf<P>, context: ImportContext): Promise<Imported>;
  /** Looks at the files without importing them. */
  preview?(params: ValuesOf<P>, context: ImportContext): Promise<Preview>;
}

/** Declares a dataset: where its files come from and how they are read. Infers the types of its parameters, then forgets them, so that entries fit in one list. */
export const dataset = <const P extends Params>(kind: DatasetKind<P>): DatasetKind => kind as unknown as DatasetKind;
