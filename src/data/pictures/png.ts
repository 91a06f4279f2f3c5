/** Reads plain PNG pictures: 8 bits a value, whole rows after one another; many small ones cost a fraction of what a general library needs for each. https://www.w3.org/TR/png-3/ */
import { crc32, inflateSync } from "node:zlib";
import { type Planes, white } from "./planes.ts";

/** By colour type: values of a pixel. */
const samplesOf: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
/** Chunks that change no pixel. A palette and its transparency are read; all others (profiles, orientation, animation) are left to sharp. */
const harmless = new Set(["gAMA", "cHRM", "sRGB", "sBIT", "bKGD", "hIST", "pHYs", "sPLT", "tIME", "tEXt", "zTXt", "iTXt"]);
const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
/** A larger one is read faster by sharp. */
const MOST_PIXELS = 2 ** 20;

export interface PlainPng extends Planes {
  /** Values of a pixel in the file, transparency included. */
  readonly samples: number;
}

/** @returns undefined for anything but a plain, whole PNG of at most a million pixels */
export function plainPng(bytes: Buffer): PlainPng | undefined {
  if (signature.some((byte, i) => bytes[i] !== byte)) return undefined;
  let header: { width: number; height: number; type: number } | undefined;
  let palette: Uint8Array | undefined;
  let transparency: Uint8Array | undefined;
  const data: Uint8Array[] = [];
  for (let at = 8; ; ) {
    if (at + 12 > bytes.length) return undefined;
    const length = bytes.readUInt32BE(at);
    const end = at + 8 + length;
    if (end + 4 > bytes.length || crc32(bytes.subarray(at + 4, end)) !== bytes.readUInt32BE(end)) return undefined;
    const kind = bytes.toString("latin1", at + 4, at + 8);
    const body = bytes.subarray(at + 8, end);
    if (kind === "IHDR") {
      const [depth, type, ...methods] = body.subarray(8, 13) as unknown as number[];
      header = { width: body.readUInt32BE(0), height: body.readUInt32BE(4), type: type! };
      const { width, height } = header;
      if (depth !== 8 || !samplesOf[header.type] || methods.some((method) => method !== 0) || !width || !height) return undefined;
      if (width * height > MOST_PIXELS) return undefined;
    } else if (kind === "PLTE") palette = body;
    else if (kind === "tRNS" && header?.type === 3) transparency = body;
    else if (kind === "IDAT") data.push(body);
    else if (kind === "IEND") break;
    else if (!harmless.has(kind)) return undefined;
    at = end + 4;
  }
  if (!header || !data.length || (header.type === 3 && !palette)) return undefined;
  const { width, height, type } = header;
  const samples = samplesOf[type]!;
  const rows = inflated(data, height * (1 + width * samples));
  if (!rows || !unfilter(rows, height, width * samples, samples)) return undefined;
  const pixels = type === 3 ? fromPalette(rows, width, height, palette!, transparency) : fromSamples(rows, width, height, samples);
  return { channels: samples < 3 && type !== 3 ? 1 : 3, height, width, pixels, samples: type === 3 ? (transparency ? 4 : 3) : samples };
}

function inflated(data: readonly Uint8Array[], length: number): Uint8Array | undefined {
  try {
    const rows = inflateSync(data.length === 1 ? data[0]! : Buffer.concat(data), { maxOutputLength: length });
    return rows.length === length ? rows : undefined;
  } catch {
    return undefined;
  }
}

/** Undoes the filter that stands before each row. @param step bytes from a pixel to the next */
function unfilter(bytes: Uint8Array, height: number, row: number, step: number): boolean {
  const nothing = new Uint8Array(row); // above the first row
  for (let y = 0; y < height; y++) {
    const start = y * (row + 1) + 1;
    const line = bytes.subarray(start, start + row);
    const above = y > 0 ? bytes.subarray(start - row - 1, start - 1) : nothing;
    const undo = filters[bytes[start - 1]!];
    if (!undo) return false;
    undo(line, above, step);
  }
  return true;
}

type Filter = (line: Uint8Array, above: Uint8Array, step: number) => void;
/** Each predicts a byte from those at the left, above, and above at the left. */
const filters: readonly Filter[] = [
  () => {},
  (line, _, step) => {
    for (let i = step; i < line.length; i++) line[i]! += line[i - step]!;
  },
  (line, above) => {
    for (let i = 0; i < line.length; i++) line[i]! += above[i]!;
  },
  (line, above, step) => {
    for (let i = 0; i < step; i++) line[i]! += above[i]! >> 1;
    for (let i = step; i < line.length; i++) line[i]! += (line[i - step]! + above[i]!) >> 1;
  },
  (line, above, step) => {
    for (let i = 0; i < step; i++) line[i]! += above[i]!;
    for (let i = step; i < line.length; i++) {
      const a = line[i - step]!;
      const b = above[i]!;
      const c = above[i - step]!;
      const toA = Math.abs(b - c);
      const toB = Math.abs(a - c);
      const toC = Math.abs(a + b - 2 * c);
      line[i]! += toA <= toB && toA <= toC ? a : toB <= toC ? b : c;
    }
  },
];

/** Grey or red, green and blue, with or without how opaque they are. */
function fromSamples(rows: Uint8Array, width: number, height: number, samples: number): Uint8Array {
  const size = width * height;
  const channels = samples < 3 ? 1 : 3;
  const transparent = samples > channels;
  const pixels = new Uint8Array(channels * size);
  for (let y = 0, to = 0; y < height; y++)
    for (let from = y * (width * samples + 1) + 1, end = from + width * samples; from < end; from += samples, to++)
      for (let c = 0; c < channels; c++) pixels[c * size + to] = transparent ? white(rows[from + c]!, rows[from + channels]!) : rows[from + c]!;
  return pixels;
}

/** A place after the end of the palette is black, as libpng has it. */
function fromPalette(rows: Uint8Array, width: number, height: number, palette: Uint8Array, transparency?: Uint8Array): Uint8Array {
  const size = width * height;
  const colours = Uint8Array.from({ length: 3 * 256 }, (_, i) => white(palette[i] ?? 0, transparency?.[Math.floor(i / 3)] ?? 255));
  const pixels = new Uint8Array(3 * size);
  for (let y = 0, to = 0; y < height; y++)
    for (let from = y * (width + 1) + 1, end = from + width; from < end; from++, to++)
      for (let c = 0; c < 3; c++) pixels[c * size + to] = colours[3 * rows[from]! + c]!;
  return pixels;
}
