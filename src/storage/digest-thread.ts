/** The thread that computes MD5s of what is being transferred, so that the transfer need not wait. Started by digests.ts. */
import { createHash } from "node:crypto";
import { parentPort } from "node:worker_threads";

parentPort!.on("message", ({ id, bytes }: { id: number; bytes: Uint8Array }) => {
  parentPort!.postMessage({ id, md5: createHash("md5").update(bytes).digest() });
});
