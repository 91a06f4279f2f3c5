/** Syncs the write-ahead log of the embedded database, once for all commits that wait. Used by embedded.ts, beside the thread that writes the log. */
import { type FileHandle, open } from "node:fs/promises";

export class WalSync {
  /** Tells the thread the number of its last request that is fulfilled. */
  readonly synced = new Int32Array(new SharedArrayBuffer(4));
  readonly #segments = new Set<string>();
  #request = 0;
  #current: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;
  #file: { readonly path: string; readonly handle: FileHandle } | undefined;

  /** These files hold commits from now on. What comes while a sync is on its way waits for the next. */
  ask(request: number, segments: readonly string[]): void {
    for (const segment of segments) this.#segments.add(segment);
    this.#request = request;
    if (this.#next) return;
    this.#next = this.#current.then(() => this.#round());
    this.#next.catch(() => {}); // told by settled()
  }

  /** Resolves when all that was asked for until now is on disk. Rejects for good when the disk refuses: the kernel tells that only once. */
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
    const [request, segments] = [this.#request, [...this.#segments]];
    this.#segments.clear();
    for (const path of segments) await (await this.#open(path))?.datasync(); // a segment's size never changes
    Atomics.store(this.synced, 0, request);
  }

  /** Mostly the one of the time before. One that is gone was no longer needed, and the thread had synced it itself before it went. */
  async #open(path: string): Promise<FileHandle | undefined> {
    if (this.#file?.path === path) return this.#file.handle;
    await this.#file?.handle.close();
    this.#file = undefined;
    const handle = await open(path, "r+").catch((error) => {
      if (error.code !== "ENOENT") throw error;
    });
    if (handle) this.#file = { path, handle };
    return handle;
  }
}
