/** Unpacks the wanted files of a tar archive, gzip-compressed or not: names that are asked for, into one folder, and nothing else. */
import { createWriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { fail } from "../../shared/errors.ts";
import { type Blocks, broken, openUnpacked } from "./blocks.ts";

const BLOCK = 512;
const pieceBytes = 2 ** 20;

/**
 * @param wanted names of files, without folders
 * @param mostBytes that one of them may have
 * @returns the path of each that was there
 * @throws BAD_FILE, WRITE_FAILED
 */
export async function untar(path: string, directory: string, wanted: ReadonlySet<string>, mostBytes: number): Promise<ReadonlyMap<string, string>> {
  await mkdir(directory, { recursive: true });
  const { blocks } = await openUnpacked(path, "tar archive");
  const paths = new Map<string, string>();
  try {
    for (const head = Buffer.alloc(BLOCK); ; ) {
      const got = await blocks.fill(head);
      if (got < BLOCK || head.every((byte) => byte === 0)) {
        if (got > 0 && got < BLOCK) throw broken(path, "a complete tar archive", "ends within an entry");
        return paths;
      }
      const { name, size, plain } = entryOf(head, path);
      const place = plain && wanted.has(name) && !paths.has(name) ? join(directory, name) : undefined;
      if (place && size > mostBytes) throw broken(path, `an archive with at most ${mostBytes} bytes of ${name}`, `has ${size}`);
      const content = piecesOf(blocks, size, path);
      if (place) {
        await pipeline(Readable.from(content, { objectMode: false }), createWriteStream(place)).catch((cause: NodeJS.ErrnoException) => {
          throw cause.code === "ENOSPC"
            ? fail("WRITE_FAILED", { path: place, detail: cause.message, kept: "Nothing of the import is kept." }, cause)
            : cause;
        });
        paths.set(name, place);
      } else for await (const _ of content); // passed over
      await blocks.fill(new Uint8Array((BLOCK - (size % BLOCK)) % BLOCK));
    }
  } finally {
    await blocks.close();
  }
}

/** A header of the format that POSIX calls ustar, or one older. */
function entryOf(head: Buffer, path: string): { name: string; size: number; plain: boolean } {
  const text = (at: number, length: number) => head.toString("latin1", at, at + length).split("\0", 1)[0]!;
  let sum = 8 * 0x20; // the checksum counts its own place as spaces
  for (let i = 0; i < BLOCK; i++) if (i < 148 || i >= 156) sum += head[i]!;
  if (sum !== Number.parseInt(text(148, 8), 8)) throw broken(path, "a tar archive", "the checksum of an entry is wrong");
  const large = head[124]! & 0x80; // sizes beyond 8 GiB are binary
  const size = large ? Number(head.readBigUInt64BE(128)) : Number.parseInt(text(124, 12).trim() || "0", 8);
  if (!Number.isSafeInteger(size) || size < 0) throw broken(path, "a tar archive", "the size of an entry is none");
  return { name: basename(text(0, 100)), size, plain: ["0", "", "7"].includes(text(156, 1)) };
}

async function* piecesOf(blocks: Blocks, size: number, path: string): AsyncGenerator<Uint8Array> {
  for (let left = size; left > 0; ) {
    const piece = new Uint8Array(Math.min(pieceBytes, left));
    if ((await blocks.fill(piece)) < piece.length) throw broken(path, "a complete tar archive", "ends within an entry");
    left -= piece.length;
    yield piece;
  }
}
