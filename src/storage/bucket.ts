/**
 * A bucket as people use one: files and folders to and from any S3-compatible server, under any names. Large files go in parts,
 * several at once; what was cut off goes on where it was; nothing counts before its checksum does.
 */
import { createHash } from "node:crypto";
import { type FileHandle, mkdir, open, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { Readable } from "node:stream";
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
  type S3Client,
  type S3ServiceException,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { fail, TrainyardError } from "../shared/errors.ts";
import { type BrowsedBucket, existingName, type ListedPage, namePrefix, newName, type Writing } from "./browse.ts";
import { type ByteRange, inParts, resolveRange } from "./bytes.ts";
import { Digests } from "./digests.ts";
import { inParallel } from "./in-parallel.ts";
import { plain, type S3ClientOptions, s3Client } from "./s3-client.ts";

export interface BucketObject {
  readonly name: string;
  readonly size: number;
  readonly modifiedAt: Date;
  /** MD5 of the content, or of the MD5s of its parts with their number behind a dash. Without quotes. */
  readonly etag: string;
  /** Bytes of the parts that the ETag is of, where they were told when it was uploaded. */
  readonly partBytes?: number;
}

export interface TransferOptions {
  readonly signal?: AbortSignal;
  /** Called with bytes as they are done, those that were there before included. */
  readonly progress?: (bytes: number) => void;
}

/** S3 takes 10,000 parts of at most 5 GiB (docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html). */
const mostParts = 10_000;
const leastPart = 16 * 2 ** 20;
const partsAtOnce = 4;
/** Metadata that tells of which size the parts were. */
const partsOf = "part-bytes";

/** Bytes of each part of a file, but for the last one: a function of its size, so that whoever goes on finds the same parts. */
export const partSize = (size: number): number => Math.max(leastPart, 2 ** 20 * Math.ceil(size / mostParts / 2 ** 20));

/**
 * A bucket. (TypeScript 7.0, lowering `await using`, renames properties that are called like the class: so it is not called Bucket.)
 * @example const bucket = new S3Bucket("data", { endpoint: "http://127.0.0.1:9000" }); await bucket.upload("a.csv", "tables/a.csv");
 */
export class S3Bucket {
  readonly name: string;
  readonly #client: S3Client;

  /** Credentials as `S3ClientOptions` says, else where the AWS SDK looks: variables, profile, the machine's role. */
  constructor(name: string, options: S3ClientOptions = {}) {
    this.name = name;
    this.#client = s3Client(options);
  }

  close(): void {
    this.#client.destroy();
  }

  /** In the order of their names. */
  async *list(prefix = ""): AsyncGenerator<BucketObject> {
    let ContinuationToken: string | undefined;
    do {
      const command: ListObjectsV2Command = new ListObjectsV2Command({ Bucket: this.name, Prefix: prefix, ContinuationToken });
      const page = await this.#ask(() => this.#client.send(command));
      for (const { Key, Size = 0, ETag = "", LastModified = new Date(0) } of page.Contents ?? [])
        if (Key !== undefined) yield { name: Key, size: Size, modifiedAt: LastModified, etag: bare(ETag) };
      ContinuationToken = page.IsTruncated ? page.NextContinuationToken : undefined;
    } while (ContinuationToken);
  }

  async head(name: string): Promise<BucketObject | undefined> {
    const found = await this.#client.send(new HeadObjectCommand({ Bucket: this.name, Key: name })).catch((error: S3ServiceException) => {
      if (error.$metadata?.httpStatusCode === 404) return undefined;
      throw this.#explain(error, name);
    });
    if (!found) return undefined;
    const partBytes = Number(found.Metadata?.[partsOf]) || undefined;
    return { name, size: found.ContentLength ?? 0, modifiedAt: found.LastModified ?? new Date(0), etag: bare(found.ETag ?? ""), partBytes };
  }

  /** What lies directly below a prefix. @param after a name: those behind it, in the order of their bytes */
  async page(prefix: string, limit: number, after?: string): Promise<ListedPage> {
    const command = new ListObjectsV2Command({
      Bucket: this.name,
      Prefix: prefix,
      Delimiter: "/",
      MaxKeys: limit,
      StartAfter: after,
      EncodingType: "url", // XML has no control characters, and names may have them
    });
    const page = await this.#ask(() => this.#client.send(command));
    const decoded = (text: string) => (page.EncodingType === "url" ? decodeURIComponent(text.replaceAll("+", " ")) : text);
    const folders = (page.CommonPrefixes ?? []).map(({ Prefix = "" }) => decoded(Prefix));
    const objects = (page.Contents ?? []).map(({ Key = "", Size = 0, LastModified = new Date(0) }) => ({
      name: decoded(Key),
      size: Size,
      modifiedAt: LastModified,
    }));
    // Behind a folder is what comes after all that is in it.
    const last = [...folders.map((name) => `${name}\u{10ffff}`), ...objects.map(({ name }) => name)].sort(byBytes).at(-1);
    return {
      folders,
      // An object that is called like the folder is what some programs make of one.
      objects: objects.filter(({ name }) => name !== prefix || !name.endsWith("/")),
      ...(page.IsTruncated && last !== undefined && { next: last }),
    };
  }

  /** An object as it comes. Read the body or destroy it. @throws OBJECT_NOT_FOUND, RANGE_NOT_SATISFIABLE, STORE_UNAVAILABLE */
  async open(name: string, range?: ByteRange): Promise<{ size: number; body: Readable }> {
    const { size = 0 } = range ? ((await this.head(name)) ?? {}) : {};
    const { start, end } = range ? resolveRange(name, range, size) : { start: 0, end: 0 };
    const command = new GetObjectCommand({ Bucket: this.name, Key: name, ...(range && { Range: `bytes=${start}-${end - 1}` }) });
    const { Body, ContentLength = 0 } = await this.#ask(() => this.#client.send(command), name);
    return { size: range ? size : ContentLength, body: Body as Readable };
  }

  /** Stores what comes, a part in memory at a time: whole or not at all. @throws OBJECT_EXISTS, STORE_UNAVAILABLE, and whatever the body throws */
  async put(name: string, body: AsyncIterable<Uint8Array>, { size, replace = false, signal }: Writing): Promise<void> {
    if (!replace && (await this.head(name))) throw fail("OBJECT_EXISTS", { key: name });
    const target = { Bucket: this.name, Key: name };
    const IfNoneMatch = replace ? undefined : "*"; // another may have come meanwhile
    const step = partSize(size);
    const send = async <T>(work: (options: { abortSignal?: AbortSignal }) => Promise<T>): Promise<T> => {
      try {
        return await this.#ask(() => work({ abortSignal: signal }), name, signal);
      } catch (error) {
        throw IfNoneMatch && wasThere(error) ? fail("OBJECT_EXISTS", { key: name }, error) : error;
      }
    };
    if (size <= step) {
      let Body: Uint8Array = Buffer.alloc(0);
      for await (const part of inParts(body, step)) Body = part;
      await send((options) =>
        this.#client.send(new PutObjectCommand({ ...target, Body, IfNoneMatch, ContentMD5: digest(Body).toString("base64") }), options),
      );
      return;
    }
    const { UploadId } = await send((options) => this.#client.send(new CreateMultipartUploadCommand(target), options));
    try {
      const Parts: { PartNumber: number; ETag?: string }[] = [];
      for await (const Body of inParts(body, step)) {
        const part = { ...target, UploadId, PartNumber: Parts.length + 1, Body, ContentMD5: digest(Body).toString("base64") };
        const { ETag } = await send((options) => this.#client.send(new UploadPartCommand(part), options));
        Parts.push({ PartNumber: part.PartNumber, ETag });
      }
      await send((options) =>
        this.#client.send(new CompleteMultipartUploadCommand({ ...target, UploadId, IfNoneMatch, MultipartUpload: { Parts } }), options),
      );
    } catch (error) {
      await this.#client.send(new AbortMultipartUploadCommand({ ...target, UploadId })).catch(() => {}); // then the bucket's own rules end it
      throw error;
    }
  }

  /** Absent is fine. */
  async remove(name: string): Promise<void> {
    await this.#ask(() => this.#client.send(new DeleteObjectCommand({ Bucket: this.name, Key: name })), name);
  }

  /**
   * Uploads a file. The server is told the MD5 of everything it gets; of an upload that was cut off, parts that are there are not sent again.
   * @throws FILE_NOT_FOUND, BAD_FILE for a file that changes meanwhile, STORE_UNAVAILABLE, and the reason of the signal
   */
  async upload(path: string, name: string, { signal, progress = () => {} }: TransferOptions = {}): Promise<BucketObject> {
    const before = await statOf(path);
    const { size } = before;
    await using file = await open(path);
    const unchanged = async () => {
      const after = await file.stat();
      if (after.size === size && after.mtimeMs === before.mtimeMs) return;
      const fix = "Upload it again once nobody writes to it.";
      throw fail("BAD_FILE", { path, want: "a file that stays as it is while it is read", got: "changed", fix });
    };
    const target = { Bucket: this.name, Key: name };
    const step = partSize(size);
    let etag: string;
    let answered: string | undefined;
    if (size <= step) {
      const content = await readAt(file, 0, size);
      await unchanged();
      const md5 = digest(content);
      const put = new PutObjectCommand({ ...target, Body: content, ContentMD5: md5.toString("base64") });
      answered = (await this.#ask(() => this.#client.send(put, { abortSignal: signal }), name, signal)).ETag;
      etag = md5.toString("hex");
      progress(size);
    } else {
      const { UploadId, there } = await this.#begin(name, step, signal);
      const count = Math.ceil(size / step);
      const parts: { PartNumber: number; ETag: string; md5: Buffer }[] = new Array(count);
      await using digests = new Digests(step);
      const send = (i: number) => async (memory: Uint8Array) => {
        const content = await readAt(file, i * step, Math.min(size, (i + 1) * step), memory);
        const md5 = await digests.md5(content);
        if (there.get(i + 1) !== md5.toString("hex")) {
          const part = new UploadPartCommand({ ...target, UploadId, PartNumber: i + 1, Body: content, ContentMD5: md5.toString("base64") });
          await this.#ask(() => this.#client.send(part, { abortSignal: signal }), name, signal);
        }
        parts[i] = { PartNumber: i + 1, ETag: `"${md5.toString("hex")}"`, md5 };
        progress(content.length);
      };
      await inParallel([...Array(count).keys()], partsAtOnce, async (i) => {
        signal?.throwIfAborted();
        await digests.part(step, send(i));
      });
      await unchanged();
      const Parts = parts.map(({ PartNumber, ETag }) => ({ PartNumber, ETag }));
      const complete = new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload: { Parts } });
      await this.#ask(() => this.#client.send(complete, { abortSignal: signal }), name, signal);
      etag = joinedTag(Buffer.concat(parts.map(({ md5 }) => md5)), count);
    }
    // Of one request the answer says what is there.
    const found = answered ? { name, size, modifiedAt: new Date(), etag: bare(answered) } : await this.head(name);
    if (found?.size !== size) throw damaged(name, `${size} bytes`, `${found?.size ?? "no"} bytes`);
    // Some servers have no ETags of parts.
    if (isComparable(found.etag) && found.etag.includes("-") === etag.includes("-") && found.etag !== etag)
      throw damaged(name, `MD5 ${etag}`, found.etag);
    return found;
  }

  /**
   * Downloads an object: beside its place first, then, checked, into it. What was cut off goes on, unless the object is another by now.
   * @throws OBJECT_NOT_FOUND, CHECKSUM_MISMATCH, WRITE_FAILED, STORE_UNAVAILABLE, and the reason of the signal
   */
  async download(name: string, path: string, { signal, progress = () => {} }: TransferOptions = {}): Promise<BucketObject> {
    const { found, whole } = await this.#begun(name, signal);
    const { size, etag } = found;
    await mkdir(dirname(path), { recursive: true });
    // Named after the version, so that parts of two versions never meet.
    const partial = `${path}.${createHash("sha256").update(etag).digest("hex").slice(0, 8)}.partial`;
    const journal = `${partial}.json`;
    const step = partSize(size);
    const done = new Map<number, string>(await readFile(journal, "utf8").then(journalled, () => []));
    const file = await open(partial, done.size ? "r+" : "w+").catch(() => {
      done.clear();
      return open(partial, "w+");
    });
    try {
      const resumed = done.size > 0;
      const missing = Array.from({ length: Math.ceil(size / step) }, (_, i) => i).filter((i) => {
        if (done.has(i)) progress(Math.min(size, (i + 1) * step) - i * step);
        return !done.has(i);
      });
      if (whole) {
        await writeAt(file, whole, 0);
        progress(size);
      } else {
        await using digests = new Digests(step);
        const fetch = (i: number) => async (memory: Uint8Array) => {
          const from = i * step;
          const content = await this.#range(name, etag, from, from + memory.length, memory, signal);
          const [md5] = await Promise.all([digests.md5(content), writeAt(file, content, from)]);
          done.set(i, md5.toString("hex"));
          await writeFile(journal, JSON.stringify([...done]));
          progress(content.length);
        };
        await inParallel(missing, partsAtOnce, async (i) => {
          signal?.throwIfAborted();
          await digests.part(Math.min(size - i * step, step), fetch(i));
        });
      }
      // An ETag of parts of a size that is not known here says nothing; that of one part always does.
      const told = isComparable(etag) && (!etag.includes("-") || found.partBytes !== undefined);
      // What an earlier process wrote may have been lost or changed since: then the file itself is read.
      const asSent =
        !resumed && found.partBytes === step && joinedTag(Buffer.concat(inOrder(done).map((md5) => Buffer.from(md5, "hex"))), done.size) === etag;
      if (told && !asSent && !(whole ? digest(whole).toString("hex") === etag : await hasTag(file, size, etag))) {
        await rm(partial, { force: true });
        await rm(journal, { force: true });
        throw damaged(name, `MD5 ${etag}`, "another");
      }
    } catch (error) {
      if (!(size > step)) await rm(partial, { force: true });
      throw error;
    } finally {
      await file.close();
    }
    await rename(partial, path);
    await rm(journal, { force: true });
    return found;
  }

  /** An object, and its content where that is small: one request then does all. */
  #begun(name: string, signal?: AbortSignal): Promise<{ found: BucketObject; whole?: Uint8Array }> {
    const work = async () => {
      const answer = await this.#client.send(new GetObjectCommand({ Bucket: this.name, Key: name }), { abortSignal: signal });
      const { ContentLength: size = 0, LastModified = new Date(0), ETag = "", Metadata, Body } = answer;
      const found = { name, size, modifiedAt: LastModified, etag: bare(ETag), partBytes: Number(Metadata?.[partsOf]) || undefined };
      if (size <= partSize(size)) return { found, whole: await Body!.transformToByteArray() };
      (Body as Readable).destroy();
      return { found };
    };
    return this.#ask(work, name, signal);
  }

  /** @param memory of `to - from` bytes, where they are put */
  #range(name: string, etag: string, from: number, to: number, memory: Uint8Array, signal?: AbortSignal): Promise<Uint8Array> {
    const command = new GetObjectCommand({ Bucket: this.name, Key: name, Range: `bytes=${from}-${to - 1}`, IfMatch: `"${etag}"` });
    const work = async () => {
      const { Body } = await this.#client.send(command, { abortSignal: signal });
      let at = 0;
      // By events: iterating over a stream stops it after every piece, which makes it several times slower.
      await new Promise<void>((resolve, reject) => {
        (Body as Readable)
          .on("data", (piece: Uint8Array) => {
            if (at + piece.length <= memory.length) memory.set(piece, at);
            at += piece.length;
          })
          .on("end", resolve)
          .on("error", reject)
          .on("close", () => reject(new Error("the connection was closed")));
      });
      if (at !== to - from) throw damaged(name, `${to - from} bytes from ${from} on`, `${at}`);
      return memory;
    };
    return this.#ask(work, name, signal);
  }

  /** An upload in parts of this name: the newest that was begun, with the MD5 of each part that is there, or a new one. */
  async #begin(name: string, step: number, signal?: AbortSignal): Promise<{ UploadId: string; there: ReadonlyMap<number, string> }> {
    const target = { Bucket: this.name, Key: name };
    // A server that cannot list what was begun is taken to have nothing.
    const begun = await this.#unfinished(name, signal).catch(() => undefined);
    if (begun) return begun;
    const create = new CreateMultipartUploadCommand({ ...target, Metadata: { [partsOf]: String(step) } });
    const { UploadId } = await this.#ask(() => this.#client.send(create, { abortSignal: signal }), name, signal);
    return { UploadId: UploadId!, there: new Map() };
  }

  async #unfinished(name: string, abortSignal?: AbortSignal): Promise<{ UploadId: string; there: ReadonlyMap<number, string> } | undefined> {
    const target = { Bucket: this.name, Key: name };
    const { Uploads = [] } = await this.#client.send(new ListMultipartUploadsCommand({ Bucket: this.name, Prefix: name }), { abortSignal });
    const [newest] = Uploads.filter(({ Key }) => Key === name).sort((a, b) => Number(b.Initiated ?? 0) - Number(a.Initiated ?? 0));
    const UploadId = newest?.UploadId;
    if (UploadId === undefined) return undefined;
    const there = new Map<number, string>();
    let PartNumberMarker: string | undefined;
    do {
      const command: ListPartsCommand = new ListPartsCommand({ ...target, UploadId, PartNumberMarker });
      const page = await this.#client.send(command, { abortSignal });
      for (const { PartNumber, ETag = "" } of page.Parts ?? []) if (PartNumber !== undefined) there.set(PartNumber, bare(ETag));
      PartNumberMarker = page.IsTruncated ? page.NextPartNumberMarker : undefined;
    } while (PartNumberMarker);
    return { UploadId, there };
  }

  /** Forgets uploads in parts that were begun under a prefix and not finished. @returns how many */
  async forgetUnfinished(prefix = ""): Promise<number> {
    const { Uploads = [] } = await this.#ask(() => this.#client.send(new ListMultipartUploadsCommand({ Bucket: this.name, Prefix: prefix })));
    for (const { Key, UploadId } of Uploads)
      await this.#ask(() => this.#client.send(new AbortMultipartUploadCommand({ Bucket: this.name, Key, UploadId })));
    return Uploads.length;
  }

  async #ask<T>(work: () => Promise<T>, name?: string, signal?: AbortSignal): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      throw this.#explain(error, name);
    }
  }

  #explain(error: unknown, name?: string): TrainyardError {
    if (error instanceof TrainyardError) return error;
    const { name: code, $metadata } = error as S3ServiceException;
    const status = $metadata?.httpStatusCode;
    const cause = plain(error);
    if (status === 412 && name !== undefined)
      return fail("STORE_UNAVAILABLE", { store: `bucket ${this.name}`, detail: `"${name}" was replaced while it was read` }, cause);
    if (status === 404 && name !== undefined && code !== "NoSuchBucket" && code !== "NoSuchUpload")
      return fail("OBJECT_NOT_FOUND", { key: name }, cause);
    return fail("STORE_UNAVAILABLE", { store: `bucket ${this.name}`, detail: cause.message }, cause);
  }
}

/** All below a prefix of a bucket, by their names behind it. */
export class BrowsedS3 implements BrowsedBucket {
  readonly place: string;
  readonly #bucket: S3Bucket;
  readonly #root: string;

  /** @param prefix with the slash at its end, or empty */
  constructor(bucket: S3Bucket, prefix: string) {
    this.#bucket = bucket;
    this.#root = prefix;
    this.place = `s3://${bucket.name}/${prefix}`.replace(/\/$/, "");
  }

  async page(prefix: string, limit: number, after?: string): Promise<ListedPage> {
    const { folders, objects, next } = await this.#bucket.page(this.#root + namePrefix(prefix), limit, after && this.#root + after);
    const bared = (name: string) => name.slice(this.#root.length);
    return { folders: folders.map(bared), objects: objects.map((one) => ({ ...one, name: bared(one.name) })), ...(next && { next: bared(next) }) };
  }

  open = async (name: string, range?: ByteRange) => this.#bucket.open(this.#root + existingName(name), range);
  put = async (name: string, body: AsyncIterable<Uint8Array>, options: Writing) => this.#bucket.put(this.#root + newName(name), body, options);
  remove = async (name: string) => this.#bucket.remove(this.#root + existingName(name));
  close = () => this.#bucket.close();
}

/** As S3 sorts names. */
const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
/** Whether a write was refused because an object was there. */
const wasThere = (error: unknown): boolean => /^(PreconditionFailed|412)/.test(((error as Error).cause as Error | undefined)?.message ?? "");

/** Parts that are there with their MD5s; a journal of another form is none. */
const journalled = (text: string): (readonly [number, string])[] => {
  const entries: unknown = JSON.parse(text);
  return Array.isArray(entries) ? entries.filter((entry) => Array.isArray(entry) && typeof entry[1] === "string") : [];
};
const inOrder = (parts: ReadonlyMap<number, string>): readonly string[] => [...parts].sort(([a], [b]) => a - b).map(([, md5]) => md5);

async function writeAt(file: FileHandle, content: Uint8Array, start: number): Promise<void> {
  for (let at = 0; at < content.length; ) at += (await file.write(content, at, content.length - at, start + at)).bytesWritten;
}

const damaged = (name: string, want: string, got: string) =>
  fail("CHECKSUM_MISMATCH", { path: `object "${name}"`, want, got, fix: "Transfer it again; if that does not help, the store is damaged." });

const bare = (etag: string): string => etag.replace(/^W\//, "").replace(/^"|"$/g, "");
const digest = (content: Uint8Array): Buffer => createHash("md5").update(content).digest();
const joinedTag = (md5s: Buffer, parts: number): string => `${digest(md5s).toString("hex")}-${parts}`;
/** Whether an ETag has the form of one that tells of the content. */
const isComparable = (etag: string): boolean => /^[0-9a-f]{32}(-\d+)?$/.test(etag);

/** Bytes of the parts that programs send: ours, and 5, 8, 16, 32, 64 and 100 MiB (the least, boto3, ours, rclone and others). */
const usualParts = [5, 8, 16, 32, 64, 100].map((mib) => mib * 2 ** 20);

/** Whether a file has an ETag, with parts of one of the sizes that give as many as it says. */
async function hasTag(file: FileHandle, size: number, etag: string): Promise<boolean> {
  const [, parts] = etag.split("-");
  if (parts === undefined) return (await md5s(file, size, Math.max(size, 1))).toString("hex") === etag;
  const steps = new Set([partSize(size), ...usualParts].filter((step) => Math.ceil(size / step) === Number(parts)));
  for (const step of steps) if (joinedTag(await md5s(file, size, step), Number(parts)) === etag) return true;
  return false;
}

/** The MD5 of each part, one after the other; pieces are read so that a large part is never in memory whole. */
async function md5s(file: FileHandle, size: number, step: number): Promise<Buffer> {
  const digests: Buffer[] = [];
  for (let start = 0; start < size || !digests.length; start += step) {
    const end = Math.min(size, start + step);
    const hash = createHash("md5");
    for (let at = start; at < end; at += leastPart) hash.update(await readAt(file, at, Math.min(end, at + leastPart)));
    digests.push(hash.digest());
  }
  return Buffer.concat(digests);
}

/** Whether a file has the content of an object, as far as sizes and ETags tell. */
export async function isSame(path: string, object: BucketObject): Promise<boolean> {
  const { size } = await statOf(path);
  if (size !== object.size) return false;
  await using file = await open(path);
  return await hasTag(file, size, object.etag); // before the file is closed
}

async function statOf(path: string): Promise<{ size: number; mtimeMs: number }> {
  const found = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    throw fail("FILE_NOT_FOUND", { path, what: "file", fix: "Check the path." }, cause);
  });
  if (!found.isFile()) throw fail("BAD_FILE", { path, want: "a file", got: "is none", fix: "Give the path of a file." });
  return found;
}

/** @param into memory of at least as many bytes */
async function readAt(file: FileHandle, start: number, end: number, into: Uint8Array = Buffer.allocUnsafeSlow(end - start)): Promise<Uint8Array> {
  const bytes = into.subarray(0, end - start);
  for (let done = 0; done < bytes.length; ) {
    const { bytesRead } = await file.read(bytes, done, bytes.length - done, start + done);
    if (!bytesRead) return bytes.subarray(0, done);
    done += bytesRead;
  }
  return bytes;
}
