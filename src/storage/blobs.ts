/** Blobs: content kept under its SHA-256, so that equal content is kept once and no name can lie. Who refers to a blob, the database knows. */
import { createHash, randomUUID } from "node:crypto";
import type { Readable } from "node:stream";
import { fail, show, TrainyardError } from "../shared/errors.ts";
import { type ByteRange, type Bytes, chunks } from "./bytes.ts";
import { objectKey } from "./keys.ts";
import type { ObjectStore } from "./object-store.ts";

/** What the content has to be. */
export interface Expectation {
  readonly sha256?: string;
  readonly size?: number;
  readonly maxBytes?: number;
}

export interface Blob {
  readonly sha256: string;
  readonly size: number;
}

/** "blobs/ab/cdef…" for the digest "abcdef…" in lower-case hexadecimal. @throws BAD_KEY */
export function blobKey(sha256: string): string {
  if (!/^[0-9a-f]{64}$/.test(sha256)) throw fail("BAD_KEY", { key: show(sha256), problem: "it is no SHA-256 in lower-case hexadecimal" });
  return objectKey("blobs", sha256.slice(0, 2), sha256.slice(2));
}

export class Blobs {
  readonly #store: ObjectStore;

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  /**
   * Keeps content, unless it is there already; then it is read to its end all the same, as only who has all of it may claim to.
   * @throws BLOB_MISMATCH, PAYLOAD_TOO_LARGE, and what the store and the body throw; nothing is kept then
   */
  async put(body: Bytes, expect: Expectation = {}): Promise<Blob> {
    const content = new Content(body, expect);
    const sha256 = expect.sha256 ?? (body instanceof Uint8Array ? createHash("sha256").update(body).digest("hex") : undefined);
    await (sha256 === undefined ? this.#putUnnamed(content) : this.#putNamed(blobKey(sha256), content));
    return content.blob;
  }

  /** @throws OBJECT_NOT_FOUND, RANGE_NOT_SATISFIABLE */
  async get(sha256: string, range?: ByteRange): Promise<{ size: number; body: Readable }> {
    return this.#store.get(blobKey(sha256), range);
  }

  async head(sha256: string): Promise<{ size: number; modifiedAt: Date } | undefined> {
    return this.#store.head(blobKey(sha256));
  }

  async delete(sha256: string): Promise<void> {
    await this.#store.delete(blobKey(sha256));
  }

  /** In the order of the digests. */
  async *list(after?: string): AsyncGenerator<Blob & { modifiedAt: Date }> {
    for await (const { key, size, modifiedAt } of this.#store.list("blobs/", after && blobKey(after))) {
      const [, folder, rest] = /^blobs\/([0-9a-f]{2})\/([0-9a-f]{62})$/.exec(key) ?? [];
      if (rest) yield { sha256: `${folder}${rest}`, size, modifiedAt };
    }
  }

  async file(sha256: string): Promise<string | undefined> {
    return this.#store.file(blobKey(sha256));
  }

  async url(sha256: string, seconds: number, filename?: string): Promise<string | undefined> {
    return this.#store.url(blobKey(sha256), seconds, filename);
  }

  /** Removes what puts left behind that were killed so long ago. Returns how many. */
  async sweepUploads(olderThanMs: number): Promise<number> {
    const before = Date.now() - olderThanMs;
    let removed = await this.#store.sweep(olderThanMs);
    for await (const { key, modifiedAt } of this.#store.list("uploads/")) {
      if (modifiedAt.getTime() > before) continue;
      await this.#store.delete(key);
      removed++;
    }
    return removed;
  }

  /** Straight into its place: the store makes it appear only when all of it was read, and the content refuses to end if it is another. */
  async #putNamed(key: string, content: Content): Promise<void> {
    if (await this.#store.head(key)) return content.drain();
    try {
      await this.#store.put(key, content.chunks(), { ifAbsent: true });
    } catch (error) {
      if (!(error instanceof TrainyardError && error.code === "OBJECT_EXISTS")) throw error;
      await content.drain(); // someone else was faster
    }
  }

  /** Into a place of its own first: its name is known at its end. */
  async #putUnnamed(content: Content): Promise<void> {
    const upload = objectKey("uploads", randomUUID());
    await this.#store.put(upload, content.chunks());
    try {
      const key = blobKey(content.blob.sha256);
      if (!(await this.#store.head(key))) await this.#store.copy(upload, key);
    } finally {
      await this.#store.delete(upload).catch(() => {}); // then `sweepUploads` will find it
    }
  }
}

/** A body that is measured on its way, and fails where it is not what was announced. */
class Content {
  readonly #body: Bytes;
  readonly #expect: Expectation;
  readonly #hash = createHash("sha256");
  #size = 0;
  #blob: Blob | undefined;

  constructor(body: Bytes, expect: Expectation) {
    this.#body = body;
    this.#expect = expect;
  }

  /** Known once all chunks were read. */
  get blob(): Blob {
    if (!this.#blob) throw fail("INTERNAL", { detail: "the content of a blob was not read to its end" });
    return this.#blob;
  }

  async *chunks(): AsyncGenerator<Uint8Array> {
    const { size = Number.POSITIVE_INFINITY, maxBytes: limit = Number.POSITIVE_INFINITY, sha256 } = this.#expect;
    if (this.#expect.size !== undefined && size > limit) throw fail("PAYLOAD_TOO_LARGE", { limit });
    for await (const chunk of chunks(this.#body)) {
      this.#size += chunk.length;
      if (this.#size > limit) throw fail("PAYLOAD_TOO_LARGE", { limit });
      if (this.#size > size) throw fail("BLOB_MISMATCH", { want: `${size} bytes`, got: "longer" });
      this.#hash.update(chunk);
      yield chunk;
    }
    if (this.#expect.size !== undefined && this.#size < size) throw fail("BLOB_MISMATCH", { want: `${size} bytes`, got: `${this.#size} bytes` });
    const digest = this.#hash.digest("hex");
    if (sha256 !== undefined && sha256 !== digest) throw fail("BLOB_MISMATCH", { want: `SHA-256 ${sha256}`, got: `SHA-256 ${digest}` });
    this.#blob = { sha256: digest, size: this.#size };
  }

  /** Reads what is not read yet. */
  async drain(): Promise<void> {
    if (!this.#blob) for await (const _ of this.chunks());
  }
}
