/** The object store in a bucket of S3, or of anything that speaks its protocol. */
import { randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
  type S3ServiceException,
  UploadPartCommand,
  UploadPartCopyCommand,
} from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { fail, TrainyardError } from "../shared/errors.ts";
import { type ByteRange, type Bytes, chunks, inParts, isRange, resolveRange } from "./bytes.ts";
import { isKey, keyPrefix, objectKey } from "./keys.ts";
import type { ObjectInfo, ObjectStore, PutOptions } from "./object-store.ts";
import { conflicts, patienceOf, plain, type S3ClientOptions, s3Client } from "./s3-client.ts";

export interface S3Options extends S3ClientOptions {
  /** For tests. */
  readonly limits?: Partial<typeof limits>;
}

/** An object can have 78 GiB, in parts of which six at most were seen in memory at once: S3 takes 10,000 (docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html). */
const limits = {
  partBytes: 8 * 2 ** 20,
  parts: 10_000,
  /** What one request asks a server to copy: it may be silent until that is done. */
  copyBytes: 512 * 2 ** 20,
};
const concurrency = 3;
const longestLink = 7 * 24 * 3600; // seconds; signatures live no longer
const tidyingTime = 5000; // milliseconds
/** Metadata that tells which put made an object. */
const putId = "put-id";
interface Target {
  readonly Bucket: string;
  readonly Key: string;
}
interface Part extends Target {
  readonly UploadId: string;
  readonly PartNumber: number;
}
/** An object on its way into the store. */
interface Draft {
  readonly key: string;
  readonly target: Target;
  readonly headers: { readonly ContentType?: string; readonly Metadata: Record<string, string>; readonly IfNoneMatch?: "*" };
  /** Aborted by the first thing that goes wrong, and by the caller: stops all that is under way for it. */
  readonly failure: AbortController;
}

export class S3Store implements ObjectStore {
  readonly kind = "s3";
  readonly name: string;
  readonly #bucket: string;
  readonly #prefix: string;
  readonly #client: S3Client;
  readonly #patience: number; // milliseconds
  readonly #limits: typeof limits;

  /** @param prefix a key below which all objects of this store are, or nothing */
  constructor(bucket: string, prefix: string, options: S3Options) {
    this.#bucket = bucket;
    this.#prefix = prefix && `${objectKey(prefix)}/`;
    this.#patience = patienceOf(options);
    this.#limits = { ...limits, ...options.limits };
    this.name = `s3://${bucket}${prefix && `/${prefix}`}`;
    this.#client = s3Client(options);
  }

  async put(key: string, body: Bytes, { ifAbsent = false, contentType, signal }: PutOptions = {}): Promise<{ size: number }> {
    const draft = this.#draft(key, contentType ?? "application/octet-stream", ifAbsent);
    if (ifAbsent && (await this.head(key))) throw fail("OBJECT_EXISTS", { key });
    const { target, headers, failure } = draft;
    const stop = () => failure.abort(signal?.reason);
    if (signal?.aborted) stop();
    signal?.addEventListener("abort", stop);
    const source = new Source(body, this.#limits.parts * this.#limits.partBytes, failure.signal);
    const parts = inParts(source.chunks(), this.#limits.partBytes);
    const options = { abortSignal: failure.signal };
    try {
      const ahead = await take(2, parts);
      if (ahead.length < 2) {
        const whole = new PutObjectCommand({ ...target, ...headers, Body: ahead[0] ?? Buffer.alloc(0) });
        await this.#commit(draft, () => this.#client.send(whole, options));
      } else {
        const upload = async (Body: Buffer, part: Part) => (await this.#client.send(new UploadPartCommand({ ...part, Body }), options)).ETag;
        await this.#multipart(draft, rejoined(ahead, parts), upload);
      }
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      throw source.failed ? error : this.#explain(error, key);
    } finally {
      signal?.removeEventListener("abort", stop);
      await parts.return(undefined);
    }
    return { size: source.bytes };
  }

  async get(key: string, range?: ByteRange): Promise<{ size: number; body: Readable }> {
    const asked = range && isRange(range) ? range : undefined;
    const { size, etag, body } = await this.#open(key, asked).catch(async (error: S3ServiceException) => {
      const found = error.$metadata?.httpStatusCode === 416 ? await this.head(key) : undefined;
      if (found) resolveRange(key, range, found.size);
      throw this.#explain(error, key);
    });
    try {
      const { start, end } = resolveRange(key, range, size);
      const reopen = async (from: number, signal: AbortSignal) => {
        const again = await this.#run(() => this.#open(key, { start: from, end: end - 1 }, signal), key);
        if (again.etag === etag) return again.body;
        again.body.destroy();
        throw this.#unavailable(`"${key}" was replaced while it was read`);
      };
      const sender = { reopen, explain: (error: Error) => this.#explain(error), patience: this.#patience };
      return { size, body: new Download(body, start, end, sender) };
    } catch (error) {
      body.destroy();
      throw error;
    }
  }

  async head(key: string): Promise<{ size: number; modifiedAt: Date } | undefined> {
    const found = await this.#head(key);
    return found && { size: found.ContentLength ?? 0, modifiedAt: found.LastModified ?? new Date(0) };
  }

  async *list(prefix: string, after?: string): AsyncGenerator<ObjectInfo> {
    const from = {
      Bucket: this.#bucket,
      Prefix: this.#prefix + keyPrefix(prefix),
      StartAfter: after ? this.#prefix + objectKey(after) : undefined,
    };
    let next: string | undefined;
    do {
      const page = await this.#run(() => this.#client.send(new ListObjectsV2Command({ ...from, ContinuationToken: next })));
      for (const { Key = "", Size = 0, LastModified = new Date(0) } of page.Contents ?? []) {
        const key = Key.slice(this.#prefix.length);
        if (isKey(key)) yield { key, size: Size, modifiedAt: LastModified };
      }
      next = page.IsTruncated ? page.NextContinuationToken : undefined;
    } while (next);
  }

  async delete(key: string): Promise<void> {
    const target = this.#target(key);
    await this.#run(() => this.#client.send(new DeleteObjectCommand(target)));
  }

  async copy(from: string, to: string): Promise<void> {
    const source = this.#target(from);
    const found = await this.#head(from);
    if (!found) throw fail("OBJECT_NOT_FOUND", { key: from });
    if (from === to) return; // which S3 refuses
    const draft = this.#draft(to, found.ContentType, false);
    const CopySource = `${source.Bucket}/${source.Key}`; // nothing in a key has to be escaped
    const size = found.ContentLength ?? 0;
    if (size <= this.#limits.copyBytes) {
      await this.#run(() => this.#client.send(new CopyObjectCommand({ ...draft.target, CopySource })), from);
      return;
    }
    const copyPart = async (CopySourceRange: string, part: Part) => {
      const command = new UploadPartCopyCommand({ ...part, CopySource, CopySourceRange, CopySourceIfMatch: found.ETag });
      return (await this.#client.send(command, { abortSignal: draft.failure.signal })).CopyPartResult?.ETag;
    };
    await this.#run(() => this.#multipart(draft, byteRanges(size, this.#limits.copyBytes), copyPart), from);
  }

  async file(key: string): Promise<undefined> {
    objectKey(key);
  }

  async url(key: string, seconds: number, filename = key.slice(key.lastIndexOf("/") + 1)): Promise<string> {
    const command = new GetObjectCommand({
      ...this.#target(key),
      ResponseContentType: "application/octet-stream",
      ResponseContentDisposition: attachment(filename),
    });
    return this.#run(() => getSignedUrl(this.#client, command, { expiresIn: Math.min(seconds, longestLink) }));
  }

  /** Aborts uploads in parts. A server that cannot list them is taken to have none. */
  async sweep(olderThanMs: number): Promise<number> {
    let removed = 0;
    let from: { KeyMarker?: string; UploadIdMarker?: string } | undefined = {};
    while (from) {
      const command: ListMultipartUploadsCommand = new ListMultipartUploadsCommand({ Bucket: this.#bucket, Prefix: this.#prefix, ...from });
      const page = await this.#client.send(command).catch((error: S3ServiceException) => {
        if (error.$metadata?.httpStatusCode !== 501) throw this.#explain(error);
      });
      for (const { Key, UploadId, Initiated } of page?.Uploads ?? []) {
        if (!Initiated || Initiated.getTime() > Date.now() - olderThanMs) continue;
        await this.#run(() => this.#client.send(new AbortMultipartUploadCommand({ Bucket: this.#bucket, Key, UploadId })));
        removed++;
      }
      from = page?.IsTruncated ? { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker } : undefined;
    }
    return removed;
  }

  /** Leaves one small object behind, under a name that is no key. */
  async check(): Promise<void> {
    const target = { Bucket: this.#bucket, Key: `${this.#prefix}.trainyard` };
    const wrote = "Trainyard writes this to see whether it can.\n";
    await this.#run(() => this.#client.send(new PutObjectCommand({ ...target, Body: wrote })));
    const read = await this.#run(async () => (await this.#client.send(new GetObjectCommand(target))).Body?.transformToString());
    if (read !== wrote) throw this.#unavailable("what is read is not what was written");
  }

  async close(): Promise<void> {
    this.#client.destroy();
  }

  #target(key: string): Target {
    return { Bucket: this.#bucket, Key: this.#prefix + objectKey(key) };
  }

  #draft(key: string, ContentType: string | undefined, ifAbsent: boolean): Draft {
    const headers = { ContentType, Metadata: { [putId]: randomUUID() }, ...(ifAbsent && { IfNoneMatch: "*" as const }) };
    return { key, target: this.#target(key), headers, failure: new AbortController() };
  }

  async #head(key: string): Promise<HeadObjectCommandOutput | undefined> {
    const command = new HeadObjectCommand(this.#target(key));
    return this.#client.send(command).catch((error: S3ServiceException) => {
      if (error.$metadata?.httpStatusCode === 404) return undefined;
      throw this.#explain(error, key);
    });
  }

  async #open(key: string, range?: ByteRange, abortSignal?: AbortSignal): Promise<{ size: number; etag?: string; body: Readable }> {
    const Range = range && `bytes=${range.start}-${range.end ?? ""}`;
    const answer = await this.#client.send(new GetObjectCommand({ ...this.#target(key), Range }), { abortSignal });
    const body = answer.Body as Readable;
    const [, start = "0", size = `${answer.ContentLength ?? 0}`] = /^bytes (\d+)-\d+\/(\d+)$/.exec(answer.ContentRange ?? "") ?? [];
    if (range && Number(start) !== range.start && range.start < Number(size)) {
      body.destroy();
      throw this.#unavailable(`asked for the bytes of "${key}" from ${range.start} on, it sends them from ${start} on`);
    }
    return { size: Number(size), etag: answer.ETag, body };
  }

  /** Sends the pieces of an object, several at once, and makes it appear. After a failure nothing of it is left, and no further piece is read. */
  async #multipart<Piece>(
    draft: Draft,
    pieces: AsyncIterable<Piece> | Iterable<Piece>,
    send: (piece: Piece, part: Part) => Promise<string | undefined>,
  ): Promise<void> {
    const { target, headers, failure } = draft;
    const options = { abortSignal: failure.signal };
    const { UploadId = "" } = await this.#client.send(new CreateMultipartUploadCommand({ ...target, ...headers }), options);
    const upload = { ...target, UploadId };
    const Parts: { PartNumber: number; ETag?: string }[] = [];
    const busy = new Set<Promise<void>>();
    try {
      for await (const piece of pieces) {
        const part: (typeof Parts)[number] = { PartNumber: Parts.length + 1 };
        Parts.push(part);
        const sending = send(piece, { ...upload, PartNumber: part.PartNumber }).then(
          (etag) => {
            part.ETag = etag;
            busy.delete(sending);
          },
          (error) => failure.abort(error),
        );
        busy.add(sending);
        if (busy.size >= concurrency) await Promise.race(busy);
        failure.signal.throwIfAborted();
      }
      await Promise.all(busy);
      failure.signal.throwIfAborted();
      const complete = new CompleteMultipartUploadCommand({ ...upload, IfNoneMatch: headers.IfNoneMatch, MultipartUpload: { Parts } });
      await this.#commit(draft, () => this.#client.send(complete, options));
    } catch (error) {
      failure.abort(error);
      await Promise.all(busy); // a part that came after the abort would stay
      const abortSignal = AbortSignal.timeout(tidyingTime);
      await this.#client.send(new AbortMultipartUploadCommand(upload), { abortSignal }).catch(() => {}); // then `sweep` will find it
      throw error;
    }
  }

  /** The request that makes an object appear. When its answer got lost, its repetition is refused for its own success: the object tells whose it is. */
  async #commit({ key, headers }: Draft, send: () => Promise<unknown>): Promise<void> {
    try {
      await send();
    } catch (error) {
      const { name, $metadata } = error as S3ServiceException;
      if ($metadata?.httpStatusCode !== 412 && !conflicts.includes(name) && name !== "NoSuchUpload") throw error;
      const there = await this.#head(key);
      if (there?.Metadata?.[putId] === headers.Metadata[putId]) return;
      throw there && headers.IfNoneMatch ? fail("OBJECT_EXISTS", { key }, plain(error)) : error;
    }
  }

  /** @param key what is missing where the answer is 404 */
  async #run<T>(work: () => Promise<T>, key?: string): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw this.#explain(error, key);
    }
  }

  #explain(error: unknown, key = ""): TrainyardError {
    if (error instanceof TrainyardError) return error;
    const { name, $metadata } = error as S3ServiceException;
    const missing = $metadata?.httpStatusCode === 404 && name !== "NoSuchBucket" && name !== "NoSuchUpload";
    const cause = plain(error);
    return missing && key ? fail("OBJECT_NOT_FOUND", { key }, cause) : this.#unavailable(cause.message, cause);
  }

  #unavailable(detail: string, cause?: unknown): TrainyardError {
    return fail("STORE_UNAVAILABLE", { store: this.name, detail }, cause);
  }
}

/** Tells what the body of a put does wrong from what the store does wrong. */
class Source {
  bytes = 0;
  failed = false;
  readonly #body: Bytes;
  readonly #limit: number;
  readonly #stop: AbortSignal;

  constructor(body: Bytes, limit: number, stop: AbortSignal) {
    this.#body = body;
    this.#limit = limit;
    this.#stop = stop;
  }

  async *chunks(): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of chunks(this.#body, this.#stop)) {
        this.bytes += chunk.length;
        if (this.bytes > this.#limit) throw fail("PAYLOAD_TOO_LARGE", { limit: this.#limit });
        yield chunk;
      }
    } catch (error) {
      this.failed = !this.#stop.aborted;
      throw error;
    }
  }
}

/** What a download asks of its store. */
interface Sender {
  reopen(from: number, signal: AbortSignal): Promise<Readable>;
  explain(error: Error): Error;
  /** How long it may stay without a byte, in milliseconds. */
  readonly patience: number;
}

/** Reads an object, and reads on from the same byte when the connection breaks. While nobody reads, a broken one is left alone. */
class Download extends Readable {
  readonly #end: number;
  readonly #sender: Sender;
  readonly #closing = new AbortController();
  #position: number;
  #source: Readable | undefined;
  #wanted = false;
  #trouble = new Error("the connection ended too early");
  #brokenSince: number | undefined;

  /** @param end the first byte that is not wanted */
  constructor(source: Readable, start: number, end: number, sender: Sender) {
    super();
    this.#position = start;
    this.#end = end;
    this.#sender = sender;
    this.#attach(source);
    if (start === end) this.push(null);
  }

  override _read(): void {
    this.#wanted = true;
    if (this.#source) this.#source.resume();
    else void this.#goOn();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#closing.abort();
    if (this.#position < this.#end) this.#source?.destroy(); // at its end it gives its connection back by itself
    done(error);
  }

  #attach(source: Readable): void {
    this.#source = source;
    source.on("error", (error) => {
      this.#trouble = error;
    });
    source.on("close", () => this.#lose());
    if (this.#position < this.#end && !this.#wanted) source.pause();
    source.on("data", (chunk: Buffer) => this.#take(source, chunk));
  }

  #take(source: Readable, chunk: Buffer): void {
    const wanted = chunk.subarray(0, this.#end - this.#position);
    this.#position += wanted.length;
    this.#brokenSince = undefined;
    this.#wanted = false;
    if (wanted.length && !this.push(wanted) && this.#position < this.#end) source.pause();
    if (wanted.length && this.#position === this.#end) this.push(null);
    if (wanted.length < chunk.length) source.destroy(); // some servers send more than they were asked for
  }

  #lose(): void {
    this.#source = undefined;
    if (this.#wanted && this.#position < this.#end && !this.destroyed) void this.#goOn();
  }

  async #goOn(): Promise<void> {
    const { signal } = this.#closing;
    try {
      this.#brokenSince ??= Date.now();
      if (Date.now() - this.#brokenSince > this.#sender.patience) throw this.#sender.explain(this.#trouble);
      await sleep(100, undefined, { signal });
      const source = await this.#sender.reopen(this.#position, signal);
      if (this.destroyed) source.destroy();
      else this.#attach(source);
    } catch (error) {
      this.destroy(error as Error);
    }
  }
}

async function take<T>(count: number, items: AsyncIterator<T>): Promise<T[]> {
  const taken: T[] = [];
  for (let next = await items.next(); !next.done; next = await items.next()) if (taken.push(next.value) === count) break;
  return taken;
}

/** What was taken, and the rest. Empties the array on the way, as its items are large. */
async function* rejoined<T>(taken: T[], rest: AsyncIterable<T>): AsyncGenerator<T> {
  for (let item = taken.shift(); item !== undefined; item = taken.shift()) yield item;
  yield* rest;
}

/** "bytes=0-99", "bytes=100-199" and so on. */
function* byteRanges(size: number, step: number): Generator<string> {
  for (let start = 0; start < size; start += step) yield `bytes=${start}-${Math.min(start + step, size) - 1}`;
}

/** A header by which browsers save a file under this name: plain for old ones, in full as RFC 8187 has it. */
function attachment(filename: string): string {
  const plain = filename.replace(/[^\w. -]/g, "_");
  const full = encodeURIComponent(`${Buffer.from(filename)}`).replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);
  return `attachment; filename="${plain}"; filename*=UTF-8''${full}`;
}
