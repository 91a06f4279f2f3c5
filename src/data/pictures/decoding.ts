/** Pictures in their order, decoded by as many threads as there are cores: a piece is asked for, and the next ones are in the making. */
import { availableParallelism } from "node:os";
import { startThread } from "../../shared/thread.ts";
import { type DecodedPiece, decodePiece, type Piece } from "./pieces.ts";
import { type Place, PlaceReader } from "./places.ts";

/** Of the pixels of a piece, bytes; and of its pictures. */
const PIECE_BYTES = 2 ** 22;
const MOST_PICTURES = 128;
/** Fewer are decoded before a thread has started. */
const WORTH_A_THREAD = 500;
const MOST_THREADS = 16;
/** Pieces that a thread has before it, so that it never waits. */
const AHEAD = 2;

/** Pieces of the pictures, the first first. @throws the reason of the signal */
export async function* decoded(places: readonly Place[], shape: Piece["shape"], signal?: AbortSignal): AsyncGenerator<DecodedPiece> {
  const bytes = shape.reduce((product: number, size) => product * size, 1);
  const perPiece = Math.max(1, Math.min(MOST_PICTURES, Math.floor(PIECE_BYTES / bytes)));
  const threads = Math.min(availableParallelism(), MOST_THREADS, Math.floor(places.length / WORTH_A_THREAD));
  const pieces = Array.from({ length: Math.ceil(places.length / perPiece) }, (_, i): Piece => {
    return { places: places.slice(i * perPiece, (i + 1) * perPiece), shape };
  });
  if (threads < 2) yield* here(pieces, signal);
  else yield* inThreads(pieces, threads, signal);
}

async function* here(pieces: readonly Piece[], signal?: AbortSignal): AsyncGenerator<DecodedPiece> {
  const reader = new PlaceReader();
  try {
    for (const piece of pieces) {
      signal?.throwIfAborted();
      yield await decodePiece(piece, reader);
    }
  } finally {
    reader.close();
  }
}

async function* inThreads(pieces: readonly Piece[], count: number, signal?: AbortSignal): AsyncGenerator<DecodedPiece> {
  const threads = Array.from({ length: count }, () => new Thread());
  try {
    const coming: Promise<DecodedPiece>[] = [];
    for (let i = 0; i < pieces.length + count * AHEAD; i++) {
      signal?.throwIfAborted();
      if (i < pieces.length) {
        const made = threads[i % count]!.decode(pieces[i]!);
        made.catch(() => {}); // heard of when its turn comes
        coming.push(made);
      }
      if (i >= count * AHEAD && coming.length) yield await coming.shift()!;
    }
  } finally {
    await Promise.all(threads.map((thread) => thread.end()));
  }
}

/** A thread that does its pieces one after the other. */
class Thread {
  readonly #worker = startThread("data/pictures/piece-thread");
  readonly #waiting: { readonly resolve: (piece: DecodedPiece) => void; readonly reject: (error: Error) => void }[] = [];

  constructor() {
    this.#worker.on("message", (piece: DecodedPiece) => this.#waiting.shift()?.resolve(piece));
    this.#worker.on("error", (error: Error) => {
      for (const { reject } of this.#waiting.splice(0)) reject(error);
    });
  }

  decode(piece: Piece): Promise<DecodedPiece> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#worker.postMessage(piece);
    });
  }

  end(): Promise<number> {
    return this.#worker.terminate();
  }
}
