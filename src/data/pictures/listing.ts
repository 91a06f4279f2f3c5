/** What lies at a path that is to hold pictures: a ZIP or tar archive by its content, or a folder. */
import { lstatSync } from "node:fs";
import { open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { fail } from "../../shared/errors.ts";
import { openError } from "../files.ts";
import type { ImportContext } from "../importing.ts";
import { Gathering } from "./gathering.ts";
import { isArchive, isHidden } from "./names.ts";
import type { Listing } from "./places.ts";
import { listTar } from "./tar.ts";
import { listZip } from "./zip.ts";

/** By how files begin; those that are packed as nothing here unpacks have no reader. */
const archives: readonly (readonly [magic: string, name: string, read?: "zip" | "gzip"])[] = [
  ["504b0304", "ZIP", "zip"],
  ["504b0506", "ZIP", "zip"],
  ["1f8b", "gzip", "gzip"],
  ["377abcaf271c", "7-Zip"],
  ["526172211a07", "RAR"],
  ["425a68", "bzip2"],
  ["fd377a585a00", "xz"],
  ["28b52ffd", "Zstandard"],
];
/** Of a tar archive, after the first file's name, size and owner. */
const TAR_MAGIC = [257, "ustar"] as const;

/**
 * @param context its folder is where a tar archive is unpacked to
 * @throws FILE_NOT_FOUND, BAD_FILE, WRITE_FAILED, and the reason of the signal
 */
export async function listFiles(path: string, context: Pick<ImportContext, "directory" | "signal">): Promise<Listing> {
  const found = await stat(path).catch((cause) => {
    throw openError(path, "archive or folder of pictures", "Check the path.", cause);
  });
  if (found.isDirectory()) {
    const entries = (await readdir(path, { withFileTypes: true })).filter(({ name }) => !isHidden(name));
    const [only] = entries;
    return entries.length === 1 && only!.isFile() && isArchive(only!.name)
      ? listFiles(join(path, only!.name), context)
      : listFolder(path, context.signal);
  }
  const head = await beginning(path);
  const [, name, read] = archives.find(([magic]) => head.toString("hex").startsWith(magic)) ?? [];
  if (read === "zip") return listZip(path);
  const [at, magic] = TAR_MAGIC;
  if (read === "gzip" || head.toString("latin1", at, at + magic.length) === magic) return listTar(path, context, read === "gzip");
  const got = name ? `is packed by ${name}` : head.length ? "is something else" : "is empty";
  const fix = "Pack the pictures as .zip, .tar or .tar.gz, or give their folder.";
  throw fail("BAD_FILE", { path, want: "a ZIP or tar archive, or a folder, of pictures", got, fix });
}

async function beginning(path: string): Promise<Buffer> {
  await using file = await open(path).catch((cause) => {
    throw openError(path, "archive of pictures", "Check the path.", cause);
  });
  const { buffer, bytesRead } = await file.read(Buffer.alloc(512), 0, 512, 0);
  return buffer.subarray(0, bytesRead);
}

async function listFolder(root: string, signal?: AbortSignal): Promise<Listing> {
  const gathering = await Gathering.at(root, "folder");
  const walk = async (below: string): Promise<void> => {
    signal?.throwIfAborted();
    for (const entry of await readdir(join(root, below), { withFileTypes: true })) {
      const name = below ? `${below}/${entry.name}` : entry.name;
      const clean = gathering.pathOf(name);
      if (clean === undefined) continue;
      if (entry.isSymbolicLink()) throw gathering.link(name);
      if (entry.isDirectory()) {
        gathering.folder(clean);
        await walk(name);
      } else if (entry.isFile()) {
        const { size, mtimeMs } = lstatSync(join(root, name));
        gathering.file({ name: clean, path: join(root, name), offset: 0, stored: size, size, modified: mtimeMs });
      }
    }
  };
  await walk("");
  return gathering.listing();
}
