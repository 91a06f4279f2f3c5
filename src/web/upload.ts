/** Files on their way to the server, in pieces: what is cut off goes on by itself, and where it was when the same file is chosen again. */
import { createClient } from "../shared/api/client.ts";
import type { DatasetView, Transfer } from "../shared/api/schemas.ts";
import { TrainyardError } from "../shared/errors.ts";
import { sourceByEnding } from "../shared/file-sources.ts";
import { client, queries } from "./api.ts";
import { plainName, sourceOf } from "./file-names.ts";

/** How far a file is. */
export interface Progress {
  /** That is there, from 0 to 1. */
  readonly share: number;
  /** Whether the connection is lost: it is tried again. */
  readonly waiting: boolean;
}

/** Tries once, as how long to wait is decided here. */
const once = createClient({ url: location.origin, patience: 0 });
/** Bytes of a piece: what is sent again at most after a loss. */
const PIECE_BYTES = 4 * 2 ** 20;
const PAUSE_MS = 2000;

/** The server is away or busy, and may answer later. */
const passes = (error: unknown): boolean =>
  error instanceof TrainyardError && (error.code === "SERVER_UNREACHABLE" || [429, 502, 503, 504].includes(error.status));

/** Until the browser says that it is back, or for a while. */
const pause = (signal: AbortSignal): Promise<void> =>
  new Promise((done, failed) => {
    const end = () => {
      clearTimeout(timer);
      removeEventListener("online", end);
      signal.removeEventListener("abort", end);
      if (signal.aborted) failed(signal.reason);
      else done();
    };
    const timer = setTimeout(end, PAUSE_MS);
    addEventListener("online", end);
    signal.addEventListener("abort", end);
  });

/**
 * @param told hears how far it is
 * @returns what names the content on the server
 */
export async function upload(file: File, told: (progress: Progress) => void, signal: AbortSignal): Promise<{ sha256: string; size: number }> {
  const fingerprint = `${file.name} ${file.size} ${file.lastModified}`.replaceAll(/[^\u0020-\u007e]/g, "_").slice(-200);
  let share = 0;
  const persistent = async <T>(ask: () => Promise<T>): Promise<T> => {
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        if (!passes(error)) throw error;
        told({ share, waiting: true });
        await pause(signal);
      }
    }
  };
  const begin = () => persistent(() => once.call("beginTransfer", { body: { size: file.size, fingerprint } }, { signal }));
  let transfer = await begin();
  const arrived = (now: Transfer) => {
    transfer = now;
    share = file.size ? now.received / file.size : 1;
    told({ share, waiting: false });
  };
  arrived(transfer);
  while (transfer.received < file.size) {
    const { id, received, pieceBytes } = transfer;
    // In memory before it is sent: a file that can be read no more is not taken for a lost connection.
    const piece = new Uint8Array(await file.slice(received, received + Math.min(pieceBytes, PIECE_BYTES)).arrayBuffer());
    try {
      arrived(await once.upload("addPiece", { params: { id, offset: received } }, piece, { signal }));
    } catch (error) {
      const isElsewhere = error instanceof TrainyardError && error.code === "TRANSFER_OFFSET";
      if (!isElsewhere && !passes(error)) throw error;
      if (!isElsewhere) {
        told({ share, waiting: true });
        await pause(signal);
      }
      // The piece may have arrived although no answer came.
      arrived(await begin());
    }
  }
  return persistent(() => once.call("finishTransfer", { params: { id: transfer.id }, body: {} }, { signal }));
}

/** Files that become a dataset. */
export interface Upload {
  readonly key: number;
  readonly name: string;
  readonly files: readonly File[];
  readonly state: "chosen" | "sending" | "registering";
  readonly progress: Progress;
  readonly error?: unknown;
}

/** What is on its way goes on whatever page one looks at. */
let uploads: readonly Upload[] = [];
const listeners = new Set<() => void>();
const stops = new Map<number, AbortController>();
/** What was sent already need not be sent again when a name was refused. */
const sent = new WeakMap<File, { sha256: string; size: number }>();
let next = 0;

function set(changed: readonly Upload[]): void {
  uploads = changed;
  for (const listener of listeners) listener();
}
const change = (key: number, to: Partial<Upload>): void => set(uploads.map((one) => (one.key === key ? { ...one, ...to } : one)));

export const uploading = {
  subscribe(listener: () => void): () => void {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  },
  get: (): readonly Upload[] => uploads,
  /** @returns its key */
  choose(files: readonly File[], name: string): number {
    const key = next++;
    set([{ key, name, files, state: "chosen", progress: { share: 0, waiting: false } }, ...uploads]);
    return key;
  },
  rename: (key: number, name: string): void => change(key, { name, error: undefined }),
  /** Takes it back; what is on the server already is found again when the same file is chosen. */
  remove(key: number): void {
    stops.get(key)?.abort(new Error("taken back"));
    set(uploads.filter((one) => one.key !== key));
  },
  /** @returns the dataset, which the server looks at; undefined when it did not come to that */
  async start(key: number): Promise<DatasetView | undefined> {
    const { files, name } = uploads.find((one) => one.key === key)!;
    const stop = new AbortController();
    stops.set(key, stop);
    change(key, { state: "sending", error: undefined });
    const total = files.reduce((sum, { size }) => sum + size, 0) || 1;
    try {
      const stored = [];
      let before = 0;
      for (const file of files) {
        const told = ({ share, waiting }: Progress) => change(key, { progress: { share: (before + share * file.size) / total, waiting } });
        const known = sent.get(file) ?? (await upload(file, told, stop.signal));
        sent.set(file, known);
        stored.push({ name: plainName(file.name), ...known });
        before += file.size;
      }
      change(key, { state: "registering" });
      const id = sourceOf(files.map((file) => sourceByEnding(file.name)));
      const dataset = await client.call("registerDataset", { body: { name, source: { id }, files: stored, preview: true } });
      set(uploads.filter((one) => one.key !== key));
      void queries.invalidateQueries({ queryKey: ["datasets"] });
      return dataset;
    } catch (error) {
      if (!stop.signal.aborted) change(key, { state: "chosen", error });
      return undefined;
    } finally {
      stops.delete(key);
    }
  },
};

/** Whoever closes the page is asked while something is on its way. */
addEventListener("beforeunload", (event) => {
  if (uploads.some(({ state }) => state !== "chosen")) event.preventDefault();
});
