/** What a dataset of the catalog is, and a step of preprocessing. The catalog declares entries of these kinds. */
import type { ColumnType, Dataset, Task } from "../shared/dataset.ts";
import type { Head, Params, ValuesOf } from "../shared/define.ts";
import type { Preview } from "../shared/profile.ts";
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
  /** Absent where the files decide. */
  readonly facts?: DatasetFacts;
  /** Where a built-in dataset's files come from. */
  readonly sources?: Sources;
  /** What is done unless a run says something else, in order, compiled into the model. */
  readonly preprocessing: readonly PreprocessingStep[];
  load?(params: ValuesOf<P>, path?: string): Promise<Dataset>;
  /** Reads the files into a snapshot. @throws BAD_FILE and its kin; nothing outside of the context's folder is written then */
  importFiles?(params: ValuesOf<P>, context: ImportContext): Promise<Imported>;
  /** Looks at the files without importing them. */
  preview?(params: ValuesOf<P>, context: ImportContext): Promise<Preview>;
}

/** Declares a dataset: where its files come from and how they are read. Infers the types of its parameters, then forgets them, so that entries fit in one list. */
export const dataset = <const P extends Params>(kind: DatasetKind<P>): DatasetKind => kind as unknown as DatasetKind;
