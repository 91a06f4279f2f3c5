/** Reads BMP pictures, which sharp does not: 1, 4, 8, 16, 24 and 32 bits a pixel, with a palette or masks, not compressed. https://learn.microsoft.com/windows/win32/gdi/bitmap-storage */
import { type Planes, white } from "./planes.ts";

/** Values of `compression`. */
const [UNCOMPRESSED, MASKS, MASKS_AND_ALPHA] = [0, 3, 6];
const CORE_HEADER = 12;
const compressions: Readonly<Record<number, string>> = { 1: "run lengths of 8 bits", 2: "run lengths of 4 bits", 4: "JPEG", 5: "PNG" };

export const isBmp = (bytes: Uint8Array): boolean => bytes[0] === 0x42 && bytes[1] === 0x4d;

/** @throws Error that says what is wrong with it */
export function readBmp(bytes: Buffer, mostPixels: number): Planes {
  if (bytes.length < 26) throw new Error(`it is cut off after ${bytes.length} bytes`);
  const start = bytes.readUInt32LE(10);
  const headerSize = bytes.readUInt32LE(14);
  const core = headerSize === CORE_HEADER;
  if (!core && (headerSize < 40 || bytes.length < 14 + headerSize)) throw new Error("its header is none");
  const [width, signed] = core ? [bytes.readUInt16LE(18), bytes.readUInt16LE(20)] : [bytes.readInt32LE(18), bytes.readInt32LE(22)];
  const height = Math.abs(signed); // negative: rows from the top
  const depth = bytes.readUInt16LE(core ? 24 : 28);
  const compression = core ? UNCOMPRESSED : bytes.readUInt32LE(30);
  if (width < 1 || height < 1) throw new Error(`its size is ${width} x ${height}`);
  if (width * height > mostPixels) throw new Error("Input image exceeds pixel limit");
  if (![1, 4, 8, 16, 24, 32].includes(depth)) throw new Error(`it has ${depth} bits a pixel`);
  if (![UNCOMPRESSED, MASKS, MASKS_AND_ALPHA].includes(compression))
    throw new Error(`it is compressed as ${compressions[compression] ?? compression}`);
  const stride = 4 * Math.ceil((width * depth) / 32);
  if (bytes.length < start + stride * height) throw new Error(`it is cut off after ${bytes.length} of ${start + stride * height} bytes`);

  const size = width * height;
  const pixels = new Uint8Array(3 * size);
  const rowAt = (y: number) => start + (signed < 0 ? y : height - 1 - y) * stride;
  if (depth <= 8) {
    const palette = bytes.subarray(14 + headerSize + (headerSize === 40 && compression === MASKS ? 12 : 0), start);
    const step = core ? 3 : 4;
    const perByte = 8 / depth;
    for (let y = 0, to = 0; y < height; y++)
      for (let x = 0, row = rowAt(y); x < width; x++, to++) {
        const shift = 8 - depth * ((x % perByte) + 1);
        const entry = step * ((bytes[row + Math.floor(x / perByte)]! >> shift) & ((1 << depth) - 1));
        for (let c = 0; c < 3; c++) pixels[c * size + to] = palette[entry + 2 - c] ?? 0;
      }
    return { channels: 3, height, width, pixels };
  }
  const masks = masksOf(bytes, headerSize, depth, compression);
  const [red, green, blue, alpha] = masks.map(valueUnder);
  const step = depth / 8;
  for (let y = 0, to = 0; y < height; y++)
    for (let x = 0, from = rowAt(y); x < width; x++, from += step, to++) {
      const word = bytes.readUIntLE(from, step);
      const opaque = masks[3] ? alpha!(word) : 255;
      pixels[to] = white(red!(word), opaque);
      pixels[size + to] = white(green!(word), opaque);
      pixels[2 * size + to] = white(blue!(word), opaque);
    }
  return { channels: 3, height, width, pixels };
}

/** Which bits are red, green, blue and how opaque: as the file says, or as usual. */
function masksOf(bytes: Buffer, headerSize: number, depth: number, compression: number): number[] {
  if (compression === UNCOMPRESSED) return depth === 16 ? [0x7c00, 0x03e0, 0x001f, 0] : [0xff0000, 0xff00, 0xff, 0];
  const hasAlpha = headerSize >= 56 || compression === MASKS_AND_ALPHA;
  if (bytes.length < 70) throw new Error("its header is cut off");
  return [54, 58, 62, ...(hasAlpha ? [66] : [])].map((at) => bytes.readUInt32LE(at)).concat(hasAlpha ? [] : [0]);
}

/** The value under a mask, as a byte. */
function valueUnder(mask: number): (word: number) => number {
  if (mask === 0) return () => 0;
  const shift = 31 - Math.clz32(mask & -mask);
  const most = mask >>> shift;
  return (word) => Math.round((255 * ((word & mask) >>> shift)) / most);
}
