/** MD5s beside the work, and memory for parts that the thread which computes them can see. */
import type { Worker } from "node:worker_threads";
import { startThread } from "../shared/thread.ts";

/** Hold it with `await using`: then the thread ends with the work. */
export class Digests {
  readonly #thread: Worker = startThread("storage/digest-thread");
  readonly #waiting = new Map<number, { readonly resolve: (md5: Buffer) => void; readonly reject: (error: Error) => void }>();
  readonly #free: Uint8Array[] = [];
  readonly #partBytes: number;
  #next = 0;

  /** @param partBytes of the largest part */
  constructor(partBytes: number) {
    this.#partBytes = partBytes;
    this.#thread.on("message", ({ id, md5 }: { id: number; md5: Uint8Array }) => {
      this.#waiting.get(id)!.resolve(Buffer.from(md5));
      this.#waiting.delete(id);
    });
    this.#thread.on("error", (error) => {
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
    });
  }

  /** @param bytes in memory of `part` */
  md5(bytes: Uint8Array): Promise<Buffer> {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#thread.postMessage({ id, bytes });
    });
  }

  /** Memory for one part while it is worked on; then it is another's. */
  async part<T>(bytes: number, work: (memory: Uint8Array) => Promise<T>): Promise<T> {
    const memory = this.#free.pop() ?? new Uint8Array(new SharedArrayBuffer(this.#partBytes));
    try {
      return await work(memory.subarray(0, bytes));
    } finally {
      this.#free.push(memory);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#thread.terminate();
  }
}
