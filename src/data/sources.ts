/** Where the files of a built-in dataset come from: what the user gives, what is on the machine, then the public mirrors. */
import type { ImportContext } from "./importing.ts";

/** A file of a built-in dataset, as its publisher has it. */
export interface SourceFile {
  readonly name: string;
  /** Bytes and digests of the published file; of the content unpacked where a package compresses it anew. */
  readonly size?: number;
  readonly sha256?: string;
  readonly md5?: string;
  readonly contentSha256?: string;
  /** Mirrors, in the order in which they are tried. */
  readonly urls: readonly string[];
}

/** All files of a built-in dataset, and where they may lie on a machine. */
export interface Sources {
  /** "MNIST", for messages. */
  readonly title: string;
  readonly files: readonly SourceFile[];
  /** Folders in which a package puts them. */
  readonly packages?: readonly ({ readonly npm: string; readonly folder: string } | { readonly debian: string; readonly folder: string })[];
  /** Whether they ship with Trainyard, in its folder `data/`. */
  readonly shipped?: boolean;
}

/**
 * Finds or brings the files.
 * @returns the path of each by its name; a file may lie there with or without `.gz`
 * @throws FILE_NOT_FOUND, which says which file to put where; CHECKSUM_MISMATCH; DOWNLOAD_FAILED; and the reason of the signal
 */
export type Locate = (
  sources: Sources,
  context: Pick<ImportContext, "path" | "cache" | "signal" | "progress">,
) => Promise<ReadonlyMap<string, string>>;
