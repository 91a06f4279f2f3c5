/** A thread of an import: pieces come, pictures go. Started by decoding.ts. */
import { parentPort } from "node:worker_threads";
import { decodePiece, type Piece } from "./pieces.ts";
import { PlaceReader } from "./places.ts";

const reader = new PlaceReader();
let before = Promise.resolve();
parentPort!.on("message", (piece: Piece) => {
  before = before.then(async () => {
    const decoded = await decodePiece(piece, reader);
    parentPort!.postMessage(decoded, [decoded.pixels.buffer as ArrayBuffer]);
  });
});
