/** Streams of bytes: what both kinds of store do with them before they write and read. */
import { Readable } from "node:stream";
import { fail } from "../shared/errors.ts";

export type Bytes = AsyncIterable<Uint8Array> | Uint8Array;

/** Bytes from `start` to `end`, both included; to the last one when there is no `end`. */
export interface ByteRange {
  readonly start: number;
  readonly end?: number;
}

/** Chunk after chunk. Fails with the signal's reason as soon as that is aborted, also while the source keeps it waiting. */
export async function* chunks(body: Bytes, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  if (body instanceof Uint8Array) {
    signal?.throwIfAborted();
    yield body;
    return;
  }
  const source = body[Symbol.asyncIterator]();
  // One listener for the whole stream: a race with one promise for each chunk would keep all of them in memory.
  let stop = () => {};
  const onAbort = () => stop();
  signal?.addEventListener("abort", onAbort);
  let open = true;
  try {
    while (open) {
      signal?.throwIfAborted();
      const step = await new Promise<IteratorResult<Uint8Array>>((resolve, reject) => {
        stop = () => reject(signal?.reason);
        source.next().then(resolve, reject);
      });
      open = !step.done;
      if (!step.done) yield step.value;
    }
  } finally {
    signal?.removeEventListener("abort", onAbort);
    if (open) release(body, source);
  }
}

/** Not waited for: a source that is stuck would never answer. */
function release(body: Bytes, source: AsyncIterator<Uint8Array>): void {
  if (body instanceof Readable) body.destroy();
  else source.return?.().catch(() => {});
}

/** The same bytes in parts of one size; the last one is what is left. */
export async function* inParts(body: AsyncIterable<Uint8Array>, partBytes: number): AsyncGenerator<Buffer> {
  let held: Uint8Array[] = [];
  let bytes = 0;
  for await (let chunk of body) {
    while (bytes + chunk.length >= partBytes) {
      const rest = partBytes - bytes;
      yield Buffer.concat([...held, chunk.subarray(0, rest)], partBytes);
      [held, bytes, chunk] = [[], 0, chunk.subarray(rest)];
    }
    held.push(chunk);
    bytes += chunk.length;
  }
  if (bytes) yield Buffer.concat(held, bytes);
}

/**
 * The part of an object that a range asks for: `start` included, `end` not.
 * @throws RANGE_NOT_SATISFIABLE
 */
export function resolveRange(key: string, range: ByteRange | undefined, size: number): { start: number; end: number } {
  if (!range) return { start: 0, end: size };
  const { start, end = size - 1 } = range;
  if (!isRange(range) || start >= size) throw fail("RANGE_NOT_SATISFIABLE", { key, range: `${start}-${range.end ?? ""}`, size });
  return { start, end: Math.min(end + 1, size) };
}

/** Whether some object could have these bytes. */
export const isRange = ({ start, end = start }: ByteRange): boolean =>
  Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && end >= start;
