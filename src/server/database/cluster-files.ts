/** The files of the embedded database's cluster, synced to disk as PostgreSQL wants it. Used by pglite-thread.ts. */
import { closeSync, fsyncSync, openSync } from "node:fs";
import { NodeFS } from "@electric-sql/pglite/nodefs";
import type { SyncRequest } from "./wal-sync.ts";

/** The parts of Emscripten's file system that are wrapped here. */
interface Stream {
  readonly nfd: number;
  readonly node: Node;
  segment?: string | false;
}
interface Node {
  readonly mode: number;
}
interface NodeFiles {
  realPath(node: Node): string;
  readonly stream_ops: {
    write: (stream: Stream, buffer: Uint8Array, offset: number, length: number, position?: number) => number;
    setattr: Change;
    fsync?: (stream: Stream) => number;
  };
  readonly node_ops: Record<"unlink" | "rename" | "setattr", Change>;
}
type Change = (...args: unknown[]) => unknown;

/**
 * The cluster's files, synced when PostgreSQL asks for it, which PGlite's own file system ignores. One kind of sync need not be done at once: that of
 * the write-ahead log, asked for at each commit. The main thread does it, for many commits together, while the next transactions run here, and
 * only then acknowledges the commits. But as PostgreSQL now takes the log for synced, it has to be before anything else is written.
 */
export class ClusterFiles extends NodeFS {
  /** False while starting and stopping: then every sync is done at once. */
  deferring = false;
  /** Written to the log since the start. */
  walBytes = 0;
  readonly #synced: Int32Array | undefined;
  readonly #segments = new Set<string>();
  #asked = 0;
  #told = 0;
  #settledHere = 0;

  /** @param synced where the main thread writes the number of the last request that it has fulfilled; without it nothing is ever synced */
  constructor(cluster: string, synced: Int32Array | undefined) {
    super(cluster);
    this.#synced = synced;
  }

  override async init(...[pg, options]: Parameters<NodeFS["init"]>): ReturnType<NodeFS["init"]> {
    const { emscriptenOpts } = await super.init(pg, options);
    return {
      emscriptenOpts: { ...emscriptenOpts, preRun: [...(emscriptenOpts.preRun ?? []), (mod) => this.#wrap(mod.NODEFS as unknown as NodeFiles)] },
    };
  }

  /** The log segments that the main thread has to sync before it passes on the answer. */
  unsynced(): SyncRequest | undefined {
    if (this.#told === this.#asked) return undefined;
    this.#told = this.#asked;
    return { number: this.#asked, segments: [...this.#segments] };
  }

  #wrap(files: NodeFiles): void {
    const { stream_ops: streams, node_ops: nodes } = files;
    const segment = (stream: Stream): string | false => {
      stream.segment ??= /[/\\]pg_wal[/\\][0-9A-F]{24}$/.test(files.realPath(stream.node)) && files.realPath(stream.node);
      return stream.segment;
    };
    const write = streams.write;
    streams.write = (stream, buffer, offset, length, position) => {
      if (segment(stream)) this.walBytes += length;
      else this.#settle();
      return write(stream, buffer, offset, length, position);
    };
    const afterSettling =
      (change: Change): Change =>
      (...args) => {
        this.#settle();
        return change(...args);
      };
    for (const name of ["unlink", "rename", "setattr"] as const) nodes[name] = afterSettling(nodes[name]);
    streams.setattr = afterSettling(streams.setattr);
    if (this.#synced)
      streams.fsync = (stream) => {
        const path = segment(stream);
        if (path && this.deferring) this.#defer(path);
        else this.#sync(stream);
        return 0;
      };
  }

  #sync({ nfd, node }: Stream): void {
    const isFolder = (node.mode & 0o170000) === 0o040000;
    if (isFolder && process.platform === "win32") return; // Windows syncs no folders
    fsyncSync(nfd);
  }

  #defer(segment: string): void {
    if (this.#settled()) this.#segments.clear();
    this.#segments.add(segment);
    this.#asked = (this.#asked + 1) | 0; // 32 bits, as Atomics has them; it may wrap around
  }

  #settled(): boolean {
    const covers = (number: number) => ((number - this.#asked) | 0) >= 0;
    return !this.#synced || covers(this.#settledHere) || covers(Atomics.load(this.#synced, 0));
  }

  /** Syncs here and now what the main thread has not yet. */
  #settle(): void {
    if (this.#settled()) return;
    for (const segment of this.#segments) {
      const file = openSync(segment, "r+");
      fsyncSync(file);
      closeSync(file);
    }
    this.#segments.clear();
    this.#settledHere = this.#told = this.#asked;
  }
}
