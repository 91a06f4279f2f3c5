/** What the tests of pictures in files share: pictures drawn by a number, files in folders, archives with what no program would write. */
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { buffer } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import sharp, { type Sharp } from "sharp";
import { type Header, pack } from "tar-stream";
import { random } from "../src/shared/random.ts";

export const temporary = (): string => mkdtempSync(join(tmpdir(), "trainyard-pictures-"));

/** A picture of its own for each number: blocks of colours. */
export function blocks(number: number, width = 16, height = 12, channels: 1 | 3 = 3): Sharp {
  const cells = 4;
  const colours = random("blocks", number).fillUniform(new Float32Array(cells * cells * channels), 0, 256);
  const pixels = Uint8Array.from({ length: width * height * channels }, (_, i) => {
    const [c, x, y] = [i % channels, Math.floor(i / channels) % width, Math.floor(i / channels / width)];
    return colours[(Math.floor((y * cells) / height) * cells + Math.floor((x * cells) / width)) * channels + c]!;
  });
  const picture = sharp(pixels, { raw: { width, height, channels } });
  return channels === 1 ? picture.toColourspace("b-w") : picture;
}

export type Files = Readonly<Record<string, Uint8Array | string>>;

/** PNG files at these paths, all different. */
export async function pngs(...paths: readonly string[]): Promise<Record<string, Buffer>> {
  return Object.fromEntries(await Promise.all(paths.map(async (path, i) => [path, await blocks(i).png().toBuffer()] as const)));
}

/** A folder with these files, their folders made. */
export function tree(files: Files): string {
  const root = temporary();
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), content);
  }
  return root;
}

/** A file with this content. */
export function fileOf(content: Uint8Array, name: string): string {
  const path = join(temporary(), name);
  writeFileSync(path, content);
  return path;
}

/** A tar archive; entries with a header alone have no content. */
export async function tarOf(
  entries: readonly (readonly [Partial<Header> & Pick<Header, "name">, (Uint8Array | string)?])[],
  { gzip = false } = {},
): Promise<Buffer> {
  const archive = pack();
  for (const [header, content = ""] of entries) archive.entry(header, Buffer.from(content));
  archive.finalize();
  const bytes = await buffer(archive);
  return gzip ? gzipSync(bytes) : bytes;
}

/** The same archive with other words of the same length in it, such as names. */
export function rewritten(archive: Buffer, from: string, to: string): Buffer {
  if (from.length !== to.length) throw new Error(`${from} and ${to} must have one length`);
  return Buffer.from(archive.toString("latin1").replaceAll(from, to), "latin1");
}

const CENTRAL = Buffer.from("PK\x01\x02");
/** The same ZIP archive with the entries of its directory changed: each is given where it begins. */
export function redirected(zip: Buffer, change: (zip: Buffer, at: number, index: number) => void): Buffer {
  const changed = Buffer.from(zip);
  for (let at = changed.indexOf(CENTRAL), index = 0; at >= 0; at = changed.indexOf(CENTRAL, at + 4), index++) change(changed, at, index);
  return changed;
}
