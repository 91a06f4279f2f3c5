/** Files that are whole or absent: written beside their place, synced to disk, then renamed into it. */
import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { fail } from "../shared/errors.ts";

/**
 * Replaces a file. If anything fails on the way, disk full included, what was there before is still there.
 * @param parts written one after the other
 * @throws WRITE_FAILED
 */
export async function writeAtomically(path: string, parts: readonly (Uint8Array | string)[], mode = 0o644): Promise<void> {
  const partial = `${path}.partial`;
  try {
    const file = await open(partial, "w", mode);
    try {
      for (const part of parts) await file.writeFile(part);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(partial, path);
  } catch (cause) {
    await rm(partial, { force: true }).catch(() => {});
    throw fail("WRITE_FAILED", { path, detail: (cause as Error).message, kept: "What was in its place before is unharmed." }, cause);
  }
  await syncFolder(dirname(path));
}

/** A rename lasts through a power cut once its folder is synced. Windows and some network drives cannot; the file is in its place all the same. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r").catch(() => undefined);
  await folder?.sync().catch(() => {});
  await folder?.close();
}
