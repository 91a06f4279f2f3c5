/** Files of the platform, written to a folder: whole and checked, or not at all. */
import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Client } from "../shared/api/client.ts";
import { fail } from "../shared/errors.ts";
import { bar } from "./bar.ts";
import { interrupted } from "./interrupt.ts";
import { bytes } from "./output.ts";

interface RemoteFile {
  readonly name: string;
  readonly sha256: string;
  readonly size: number;
}

/** Downloads files of a dataset; one that is there already is replaced once the new one is whole. @throws BLOB_MISMATCH, WRITE_FAILED */
export const downloadFiles = (client: Client, dataset: string, files: readonly RemoteFile[], folder: string): Promise<void> =>
  downloadAll(files, folder, ({ sha256 }) => client.download("getDatasetFile", { params: { id: dataset, sha256 } }, { signal: interrupted }));

/** Likewise those of a run. */
export const downloadArtifacts = (client: Client, run: string, files: readonly RemoteFile[], folder: string): Promise<void> =>
  downloadAll(files, folder, ({ name }) => client.download("getArtifact", { params: { id: run, name } }, { signal: interrupted }));

async function downloadAll(files: readonly RemoteFile[], folder: string, ask: (file: RemoteFile) => Promise<Response>): Promise<void> {
  await mkdir(folder, { recursive: true }).catch((cause: Error) => {
    throw fail("WRITE_FAILED", { path: folder, detail: cause.message, kept: "Nothing was downloaded." }, cause);
  });
  const shown = bar(
    "downloading",
    files.reduce((sum, { size }) => sum + size, 0),
    bytes,
  );
  let done = 0;
  try {
    for (const file of files) {
      const { name, sha256 } = file;
      const target = join(folder, basename(name)); // a name from elsewhere is no path
      const partial = `${target}.partial`;
      const response = await ask(file);
      const hash = createHash("sha256");
      try {
        await pipeline(
          Readable.fromWeb(response.body as never),
          async function* (chunks: AsyncIterable<Uint8Array>) {
            for await (const chunk of chunks) {
              hash.update(chunk);
              done += chunk.length;
              shown.update(done);
              yield chunk;
            }
          },
          createWriteStream(partial),
          { signal: interrupted },
        );
        const got = hash.digest("hex");
        if (got !== sha256) throw fail("BLOB_MISMATCH", { want: sha256, got });
        await rename(partial, target);
      } finally {
        await rm(partial, { force: true });
      }
    }
  } finally {
    shown.stop();
  }
}
