/** A folder of pictures as one tar archive: the same folder gives the same bytes, so that what is uploaded again is known. */
import { createReadStream, createWriteStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { pipeline } from "node:stream/promises";
import { pack } from "tar-stream";
import { fail } from "../../shared/errors.ts";
import { isHidden } from "./names.ts";

/** The files below a folder by their paths in it, sorted; neither hidden ones nor links. */
async function filesBelow(folder: string): Promise<string[]> {
  const found: string[] = [];
  const walk = async (directory: string): Promise<void> => {
    for (const entry of await readdir(directory, { withFileTypes: true })) {
      if (isHidden(entry.name)) continue;
      const path = join(directory, entry.name);
      if (entry.isDirectory()) await walk(path);
      else if (entry.isFile()) found.push(relative(folder, path).split(sep).join("/"));
    }
  };
  await walk(folder);
  return found.sort();
}

/**
 * Writes the archive.
 * @throws BAD_FILE for a folder without files, and for a file that changes while it is read
 */
export async function packFolder(folder: string, target: string, signal?: AbortSignal): Promise<void> {
  const names = await filesBelow(folder);
  if (!names.length) {
    const fix = "Give a folder that holds pictures, in a folder for each class.";
    throw fail("BAD_FILE", { path: folder, want: "a folder with files", got: "holds none", fix });
  }
  const archive = pack();
  const fill = async (): Promise<void> => {
    for (const name of names) {
      const path = join(folder, name);
      const { size } = await stat(path);
      // Neither owner nor time: they say nothing of the pictures.
      const entry = archive.entry({ name, size, mode: 0o644, mtime: new Date(0) });
      await pipeline(createReadStream(path), entry, { signal }).catch((cause: Error) => {
        if (signal?.aborted) throw signal.reason;
        const got = `reading it failed (${cause.message})`;
        throw fail("BAD_FILE", { path, want: "a file that stays as it is while it is read", got, fix: "Try again once nobody writes to it." }, cause);
      });
    }
    archive.finalize();
  };
  await Promise.all([
    fill().catch((error) => {
      archive.destroy(error);
      throw error;
    }),
    pipeline(archive, createWriteStream(target), { signal }),
  ]);
}
