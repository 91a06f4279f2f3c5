/**
 * A bucket as people look around in one: folder by folder, an object at a time, in S3 or in a folder of this machine. Names are what
 * people call their files, unlike the keys of `keys.ts`; the platform's own store is none of these.
 */
import type { Readable } from "node:stream";
import { fail, show } from "../shared/errors.ts";
import type { ByteRange } from "./bytes.ts";

export interface Listed {
  readonly name: string;
  readonly size: number;
  readonly modifiedAt: Date;
}

/** One page of what lies directly below a prefix. */
export interface ListedPage {
  /** What names go on with to the next slash, that included. */
  readonly folders: readonly string[];
  readonly objects: readonly Listed[];
  /** Where the next page begins; nothing on the last. */
  readonly next?: string;
}

export interface Writing {
  /** Of the content, which has to be known. */
  readonly size: number;
  /** Without it, what is there stays. */
  readonly replace?: boolean;
  readonly signal?: AbortSignal;
}

export interface BrowsedBucket {
  /** For people: "s3://photos/2026", "/srv/photos". Never a secret. */
  readonly place: string;
  /** @param after the `next` of an earlier page */
  page(prefix: string, limit: number, after?: string): Promise<ListedPage>;
  /** Read the body or destroy it. @throws OBJECT_NOT_FOUND, RANGE_NOT_SATISFIABLE, BAD_OBJECT_NAME, STORE_UNAVAILABLE */
  open(name: string, range?: ByteRange): Promise<{ size: number; body: Readable }>;
  /** Whole or not at all. @throws OBJECT_EXISTS, BAD_OBJECT_NAME, WRITE_FAILED, STORE_UNAVAILABLE, and whatever the body throws */
  put(name: string, body: AsyncIterable<Uint8Array>, options: Writing): Promise<void>;
  /** Absent is fine. */
  remove(name: string): Promise<void>;
  close(): void;
}

/** Bytes of UTF-8 (docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html). */
const LONGEST = 1024;

const refuse = (name: string, problem: string) => fail("BAD_OBJECT_NAME", { name: show(name), problem });

/**
 * A name that may be read or deleted: others may have made it, so whatever leads nowhere else is taken.
 * Servers and proxies on the way resolve `..`, some of them after the prefix that a bucket is held to.
 * @throws BAD_OBJECT_NAME
 */
export function existingName(name: string): string {
  if (name === "") throw refuse(name, "it is empty");
  if (Buffer.byteLength(name) > LONGEST) throw refuse(`${name.slice(0, 60)}…`, `it has more than ${LONGEST} bytes`);
  if (name.includes("\0")) throw refuse(name, "it has a NUL character");
  if (/\p{Surrogate}/u.test(name)) throw refuse(name, "it has half a surrogate pair");
  if (name.split(/[/\\]/).some((part) => part === "." || part === "..")) throw refuse(name, "a part of it is . or ..");
  return name;
}

/** A name that may be written: like that of a file below a folder. @throws BAD_OBJECT_NAME */
export function newName(name: string): string {
  existingName(name);
  if (/\p{Cc}/u.test(name)) throw refuse(name, "it has control characters");
  if (name.split("/").includes("")) throw refuse(name, "a part between slashes is empty");
  return name;
}

/** What names may begin with: nothing, or the beginning of one. @throws BAD_OBJECT_NAME */
export const namePrefix = (prefix: string): string => (prefix === "" ? prefix : existingName(prefix));
