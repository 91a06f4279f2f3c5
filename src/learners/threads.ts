/** Threads of a learner: each gets the shared data once, then tasks, whichever is free first. */
import type { Worker } from "node:worker_threads";
import { parentPort, workerData } from "node:worker_threads";
import { startThread } from "../shared/thread.ts";

/** Hold it with `await using`: then the threads end with the work. */
export class Threads<Task, Result> {
  readonly #idle: Worker[];
  readonly #all: readonly Worker[];
  readonly #queue: { readonly task: Task; readonly done: (result: Result) => void; readonly failed: (error: unknown) => void }[] = [];
  readonly #busy = new Map<Worker, { readonly done: (result: Result) => void; readonly failed: (error: unknown) => void }>();
  #failure?: { readonly error: unknown };

  /**
   * @param module that calls `serve`, below src, without its ending
   * @param shared what every thread is given: typed arrays over SharedArrayBuffers are shared, all else is copied
   */
  constructor(module: string, shared: unknown, count: number) {
    this.#all = Array.from({ length: count }, () => {
      const worker = startThread(module, shared);
      worker.on("message", ({ result, error }: { result: Result; error?: Error }) => {
        const ends = this.#busy.get(worker);
        if (!ends) return; // an answer on its way when the threads were ended
        this.#busy.delete(worker);
        this.#idle.push(worker);
        if (error) ends.failed(error);
        else ends.done(result);
        this.#next();
      });
      worker.on("error", (error) => this.#fail(error));
      return worker;
    });
    this.#idle = [...this.#all];
  }

  /** What a thread makes of the task. @throws what its handler throws, or the reason of the signal: then the threads are gone */
  run(task: Task, signal?: AbortSignal): Promise<Result> {
    const stop = () => this.#fail(signal!.reason);
    return new Promise<Result>((resolve, reject) => {
      if (signal?.aborted) stop();
      if (this.#failure) return reject(this.#failure.error);
      signal?.addEventListener("abort", stop, { once: true });
      this.#queue.push({ task, done: resolve, failed: reject });
      this.#next();
    }).finally(() => signal?.removeEventListener("abort", stop));
  }

  #next(): void {
    while (this.#idle.length && this.#queue.length) {
      const worker = this.#idle.pop()!;
      const { task, ...ends } = this.#queue.shift()!;
      this.#busy.set(worker, ends);
      worker.postMessage(task);
    }
  }

  #fail(error: unknown): void {
    if (this.#failure) return;
    this.#failure = { error };
    const waiting = [...this.#busy.values(), ...this.#queue];
    this.#busy.clear();
    this.#queue.length = 0;
    for (const { failed } of waiting) failed(error);
    for (const worker of this.#all) void worker.terminate();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#all.map((worker) => worker.terminate()));
  }
}

/** In a thread: does the tasks it is given. @param prepare what the handler makes once of the shared data */
export function serve<Shared, Task, Result>(prepare: (shared: Shared) => (task: Task) => Result): void {
  const handle = prepare(workerData as Shared);
  parentPort!.on("message", (task: Task) => {
    try {
      parentPort!.postMessage({ result: handle(task) });
    } catch (error) {
      parentPort!.postMessage({ error });
    }
  });
}

/** A copy in memory that threads share. */
export function shared<A extends Float32Array | Float64Array | Int32Array | Uint8Array | Uint16Array>(values: A): A {
  const Kind = values.constructor as new (buffer: SharedArrayBuffer) => A;
  const copy = new Kind(new SharedArrayBuffer(values.byteLength));
  (copy as Float32Array).set(values as Float32Array);
  return copy;
}
