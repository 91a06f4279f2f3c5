/** Where large things are kept: one interface over files and S3. Objects appear whole or not at all, and are replaced, never changed. */
import type { Readable } from "node:stream";
import { fail } from "../shared/errors.ts";
import type { ByteRange, Bytes } from "./bytes.ts";
import { FileStore } from "./files.ts";
import { objectKey } from "./keys.ts";
import type { S3Options } from "./s3.ts";

export interface ObjectStore {
  readonly kind: "files" | "s3";
  /** For messages: "files in /data/objects", "s3://bucket/prefix". Never a secret. */
  readonly name: string;

  /**
   * Writes an object, whole or not at all.
   * @param options ifAbsent: of several writers at once one wins, and nothing is replaced; signal: gives up with its reason
   * @throws OBJECT_EXISTS, PAYLOAD_TOO_LARGE, WRITE_FAILED, STORE_UNAVAILABLE, and whatever the body throws
   */
  put(key: string, body: Bytes, options?: PutOptions): Promise<{ size: number }>;
  /**
   * Opens an object. Read the body or destroy it: until then it holds a file or a connection.
   * @returns the size of the whole object, and the bytes of the range
   * @throws OBJECT_NOT_FOUND, RANGE_NOT_SATISFIABLE, STORE_UNAVAILABLE
   */
  get(key: string, range?: ByteRange): Promise<{ size: number; body: Readable }>;
  head(key: string): Promise<{ size: number; modifiedAt: Date } | undefined>;
  /** In the order of the keys, in memory that does not grow with their number. What is no key of ours is passed over. */
  list(prefix: string, after?: string): AsyncIterable<ObjectInfo>;
  /** Absent is fine. */
  delete(key: string): Promise<void>;
  /** @throws OBJECT_NOT_FOUND, WRITE_FAILED, STORE_UNAVAILABLE */
  copy(from: string, to: string): Promise<void>;
  /** Where the object lies as a file of this machine, to be read by who cannot take a stream; undefined where it is none. */
  file(key: string): Promise<string | undefined>;
  /** A link that works without credentials for so many seconds, as a download; undefined where the server has to pass the bytes on itself. */
  url(key: string, seconds: number, filename?: string): Promise<string | undefined>;

  /** Removes what puts left behind that were killed so long ago. Returns how many. Nothing of it was ever visible. */
  sweep(olderThanMs: number): Promise<number>;
  /** Resolves when the store can be written and read. @throws STORE_UNAVAILABLE */
  check(): Promise<void>;
  close(): Promise<void>;
}

export interface PutOptions {
  readonly ifAbsent?: boolean;
  /** Kept where the store can; `application/octet-stream` when left out. */
  readonly contentType?: string;
  readonly signal?: AbortSignal;
}

export interface ObjectInfo {
  readonly key: string;
  readonly size: number;
  readonly modifiedAt: Date;
}

export interface StoreOptions {
  /** `s3://bucket` or `s3://bucket/prefix`. Files when left out. */
  readonly url?: string;
  /** Where files live. */
  readonly directory: string;
  readonly s3?: S3Options;
}

/** @throws BAD_PARAMETER, WRITE_FAILED */
export async function openStore({ url, directory, s3 = {} }: StoreOptions): Promise<ObjectStore> {
  if (url === undefined) return FileStore.open(directory);
  const { bucket, prefix } = parseUrl(url);
  const { S3Store } = await import("./s3.ts"); // the SDK takes its time to load: only for those who use it
  return new S3Store(bucket, prefix, s3);
}

/** @throws BAD_PARAMETER */
export function parseUrl(url: string): { bucket: string; prefix: string } {
  const [, bucket, prefix = ""] = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*?))?\/?$/.exec(url) ?? [];
  // What came is not shown: people put credentials into addresses.
  const refuse = (got: string, cause?: unknown) =>
    fail("BAD_PARAMETER", { where: "the object store", name: "its URL", want: "s3://bucket or s3://bucket/prefix", got }, cause);
  if (!bucket) throw refuse(url.startsWith("s3://") ? "another form" : "no s3:// address");
  try {
    return { bucket, prefix: prefix && objectKey(prefix) };
  } catch (cause) {
    throw refuse("one with a prefix that cannot begin a key", cause);
  }
}
