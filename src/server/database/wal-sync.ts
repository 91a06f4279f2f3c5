/** Syncs the write-ahead log of the embedded database, once for all commits that wait. Used by embedded.ts, beside the thread that writes the log. */
import { type FileHandle, open } from "node:fs/promises";

/** What a thread asks for. */
export interface SyncRequest {
  readonly number: number;
  /** Files that hold commits from now on. */
  readonly segments: readonly string[];
}

export class WalSync {
  readonly #segments = new Set<string>();
  #fulfil = () => {};
  #current: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;
  #file: { readonly path: string; readonly handle: FileHandle } | undefined;
  /** Once the disk has refused, for good: the kernel tells that only once. */
  failure: Error | undefined;

  /**
   * What comes while a sync is on its way waits for the next.
   * @param synced tells the thread the number of its last request that is fulfilled
   */
  ask({ number, segments }: SyncRequest, synced: Int32Array): void {
    for (const segment of segments) this.#segments.add(segment);
    this.#fulfil = () => Atomics.store(synced, 0, number);
    if (this.#next) return;
    this.#next = this.#current.then(() => this.#round());
    this.#next.catch((error) => {
      this.failure = error; // told by settled() too
    });
  }

  /** Resolves when all that was asked for until now is on disk. */
  settled(): Promise<void> {
    return this.#next ?? this.#current;
  }

  async close(): Promise<void> {
    await this.settled().catch(() => {});
    await this.#file?.handle.close();
  }

  async #round(): Promise<void> {
    this.#current = this.#next!;
    this.#next = undefined;
    const [segments, fulfil] = [[...this.#segments], this.#fulfil];
    this.#segments.clear();
    for (const path of segments) await (await this.#open(path))?.datasync(); // a segment's size never changes
    fulfil();
  }

  /** Mostly the one of the time before. One that is gone was no longer needed, and the thread had synced it itself before it went. */
  async #open(path: string): Promise<FileHandle | undefined> {
    if (this.#file?.path === path) return this.#file.handle;
    await this.#file?.handle.close();
    this.#file = undefined;
    const handle = await open(path, "r+").catch((error) => {
      if (error.code === "ENOENT") return undefined;
      throw error;
    });
    if (handle) this.#file = { path, handle };
    return handle;
  }
}
