/**
 * Reads JPEG pictures at a quarter or an eighth of their size, straight from their lowest frequencies: small copies
 * of many pictures, several times faster than decoding all and throwing most away. ITU-T T.81, baseline; what else there
 * is (progressive, CMYK, EXIF, colour profiles, damage) is left to sharp.
 */
import type { Planes } from "./planes.ts";

interface Component {
  readonly id: number;
  /** Blocks in each unit of the scan, across and down. */
  readonly h: number;
  readonly v: number;
  readonly quantisation: number;
  dc?: Huffman;
  ac?: Huffman;
}
interface Huffman {
  /** By the next LOOK bits: length of the code * 256 + symbol; 0 where the code is longer. */
  readonly short: Uint16Array;
  /** Of a longer one, in the lowest `count` bits of `held`; 0 where there is none. */
  readonly lengthOf: (held: number, count: number) => number;
  /** By length: what to add to a code for its place in `symbols`. */
  readonly offset: Int32Array;
  readonly symbols: Uint8Array;
}
interface Header {
  readonly width: number;
  readonly height: number;
  readonly components: readonly Component[];
  readonly quantisations: readonly Float64Array[];
  /** Units between restart markers; 0: none. */
  readonly restart: number;
  /** Where the coded units begin. */
  readonly start: number;
}

/** How much larger than asked for a picture has to come out, unless it has the very size: to be brought to one hardly smaller would blur it. */
const SPARE = 1.5;
const LOOK = 10;
/** 64 codes and numbers, each of 4 bytes at most. */
const MOST_BLOCK_BYTES = 64 * 4 + 8;
/** Place of the k-th coefficient in its block, row by row; after the last, where a damaged file may point to. */
const zigzag = (() => {
  const order = new Uint8Array(64 + 16).fill(63);
  let k = 0;
  for (let sum = 0; sum < 15; sum++)
    for (let i = Math.max(0, sum - 7); i <= Math.min(7, sum); i++) {
      const [row, column] = sum % 2 ? [i, sum - i] : [sum - i, i];
      order[k++] = 8 * row + column;
    }
  return order;
})();

export interface ShrunkJpeg extends Planes {
  readonly from: { readonly width: number; readonly height: number };
  /** Its size in these samples: not whole where the sides of the picture are no multiples of 8. */
  readonly extent: { readonly width: number; readonly height: number };
}

/**
 * The picture at an eighth or else a quarter of its size, if that is the size asked for or a good deal larger.
 * @returns undefined for anything but a plain, whole JPEG that is large enough
 */
export function shrunkJpeg(bytes: Uint8Array, width: number, height: number): ShrunkJpeg | undefined {
  const header = readHeader(bytes);
  if (!header) return undefined;
  const shrink = [8, 4].find((n) => {
    const [across, down] = [header.width / n / width, header.height / n / height];
    return (across === 1 && down === 1) || Math.min(across, down) >= SPARE;
  });
  const planes = shrink && decode(bytes, header, 8 / shrink);
  if (!planes) return undefined;
  const from = { width: header.width, height: header.height };
  return { ...planes, from, extent: { width: from.width / shrink, height: from.height / shrink } };
}

/** @returns undefined for what is not plain */
function readHeader(bytes: Uint8Array): Header | undefined {
  const quantisations: Float64Array[] = [];
  const huffman: { readonly dc: Huffman[]; readonly ac: Huffman[] } = { dc: [], ac: [] };
  let frame: Pick<Header, "width" | "height" | "components"> | undefined;
  let restart = 0;
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) return undefined;
  for (let at = 2; at + 4 <= bytes.length; ) {
    if (bytes[at] !== 0xff) return undefined;
    const marker = bytes[at + 1]!;
    if (marker === 0xff) {
      at++;
      continue;
    }
    const length = (bytes[at + 2]! << 8) | bytes[at + 3]!;
    const body = bytes.subarray(at + 4, at + 2 + length);
    if (length < 2 || body.length < length - 2) return undefined;
    at += 2 + length;
    const known = marker === 0xfe || (marker >= 0xe0 && marker <= 0xef);
    if (known && !changesNothing(marker, body)) return undefined;
    if (marker === 0xdb && !readQuantisations(body, quantisations)) return undefined;
    if (marker === 0xc4 && !readHuffman(body, huffman)) return undefined;
    if (marker === 0xdd) restart = (body[0]! << 8) | body[1]!;
    if (marker === 0xc0) {
      if (frame) return undefined;
      frame = readFrame(body);
      if (!frame) return undefined;
    }
    if (marker === 0xda)
      return frame && readScan(body, frame.components, huffman) && frame.components.every(({ quantisation }) => quantisations[quantisation])
        ? { ...frame, quantisations, restart, start: at }
        : undefined;
    if (!known && ![0xdb, 0xc4, 0xdd, 0xc0].includes(marker)) return undefined;
  }
  return undefined;
}

/** Whether a picture looks the same without what an application wrote: not with EXIF (orientation), a profile, or other colours. */
function changesNothing(marker: number, body: Uint8Array): boolean {
  const begins = (text: string) => body.length >= text.length && Array.from(text).every((c, i) => body[i] === c.charCodeAt(0));
  if (marker === 0xe1) return !begins("Exif");
  if (marker === 0xe2) return !begins("ICC_PROFILE");
  return marker !== 0xee || !begins("Adobe") || body[11] === 1; // YCbCr
}

function readQuantisations(body: Uint8Array, tables: Float64Array[]): boolean {
  for (let at = 0; at < body.length; ) {
    const [precision, id] = [body[at]! >> 4, body[at]! & 15];
    const size = precision ? 2 : 1;
    if (precision > 1 || id > 3 || at + 1 + 64 * size > body.length) return false;
    const table = new Float64Array(64);
    for (let k = 0, i = at + 1; k < 64; k++, i += size) table[k] = precision ? (body[i]! << 8) | body[i + 1]! : body[i]!;
    tables[id] = table;
    at += 1 + 64 * size;
  }
  return true;
}

function readHuffman(body: Uint8Array, tables: { readonly dc: Huffman[]; readonly ac: Huffman[] }): boolean {
  for (let at = 0; at < body.length; ) {
    const [kind, id] = [body[at]! >> 4, body[at]! & 15];
    const counts = body.subarray(at + 1, at + 17);
    const total = counts.reduce((a, b) => a + b, 0);
    const symbols = body.subarray(at + 17, at + 17 + total);
    if (kind > 1 || id > 3 || counts.length < 16 || total > 256 || symbols.length < total) return false;
    const table = huffmanOf(counts, symbols);
    if (!table) return false;
    tables[kind ? "ac" : "dc"][id] = table;
    at += 17 + total;
  }
  return true;
}

/** The code of T.81, annex C: symbols in order of length, codes count up. */
function huffmanOf(counts: Uint8Array, symbols: Uint8Array): Huffman | undefined {
  const short = new Uint16Array(1 << LOOK);
  const limit = new Int32Array(17).fill(-1); // by length: the code after the last one
  const offset = new Int32Array(17);
  for (let length = 1, code = 0, place = 0; length <= 16; length++, code <<= 1) {
    const count = counts[length - 1]!;
    if (code + count > 1 << length) return undefined;
    offset[length] = place - code;
    for (let i = 0; i < count; i++, code++, place++) {
      if (length > LOOK) continue;
      const first = code << (LOOK - length);
      short.fill((length << 8) | symbols[place]!, first, first + (1 << (LOOK - length)));
    }
    if (count) limit[length] = code;
  }
  const lengthOf = (held: number, count: number): number => {
    for (let length = LOOK + 1; length <= 16; length++) if (((held >>> (count - length)) & ((1 << length) - 1)) < limit[length]!) return length;
    return 0;
  };
  return { short, lengthOf, offset, symbols };
}

function readFrame(body: Uint8Array): Pick<Header, "width" | "height" | "components"> | undefined {
  const [precision, count] = [body[0], body[5]!];
  const [height, width] = [(body[1]! << 8) | body[2]!, (body[3]! << 8) | body[4]!];
  if (precision !== 8 || !width || !height || (count !== 1 && count !== 3) || body.length < 6 + 3 * count) return undefined;
  const components = Array.from({ length: count }, (_, i): Component => {
    const [id, sampling, quantisation] = body.subarray(6 + 3 * i) as unknown as [number, number, number];
    // The units of a scan of one component are its blocks, whatever the factors.
    return count === 1 ? { id, h: 1, v: 1, quantisation } : { id, h: sampling >> 4, v: sampling & 15, quantisation };
  });
  const [first, ...others] = components;
  const plain = [1, 2].includes(first!.h) && [1, 2].includes(first!.v) && others.every(({ h, v }) => h === 1 && v === 1);
  // With 1, 2, 3 for names the three are YCbCr; R, G, B would be told by theirs.
  const yCbCr = count === 1 || components.every(({ id }, i) => id === i + 1) || components.every(({ id }, i) => id === i);
  return plain && yCbCr ? { width, height, components } : undefined;
}

/** All components in one scan, all frequencies at once. */
function readScan(
  body: Uint8Array,
  components: readonly Component[],
  { dc, ac }: { readonly dc: readonly Huffman[]; readonly ac: readonly Huffman[] },
): boolean {
  const n = components.length;
  if (body[0] !== n || body.length < 4 + 2 * n) return false;
  for (const [i, component] of components.entries()) {
    const tables = body[2 + 2 * i]!;
    if (body[1 + 2 * i] !== component.id || !dc[tables >> 4] || !ac[tables & 15]) return false;
    component.dc = dc[tables >> 4];
    component.ac = ac[tables & 15];
  }
  return body[1 + 2 * n] === 0 && body[2 + 2 * n] === 63 && body[3 + 2 * n] === 0;
}

/** A component on its way to a plane of samples that is as large as the others. */
interface Plane {
  readonly component: Component;
  /** Samples that a block becomes, across and down; the basis functions for these. */
  readonly across: number;
  readonly down: number;
  readonly basisAcross: Float64Array;
  readonly basisDown: Float64Array;
  /** By k: where a coefficient goes that is needed, or -1; and what it is multiplied by. */
  readonly place: Int8Array;
  readonly quantisation: Float64Array;
  readonly samples: Uint8ClampedArray;
  readonly stride: number;
}

/**
 * @param size samples that a block of the most finely sampled component becomes, along each side
 * A component that is sampled at half becomes twice as many for each block, so that none has to be stretched afterwards.
 */
function decode(bytes: Uint8Array, { width, height, components, quantisations, restart, start }: Header, size: number): Planes | undefined {
  const [most] = components as [Component];
  const [unitsAcross, unitsDown] = [Math.ceil(width / (8 * most.h)), Math.ceil(height / (8 * most.v))];
  const stride = unitsAcross * most.h * size;
  const planes = components.map((component): Plane => {
    const [across, down] = [(size * most.h) / component.h, (size * most.v) / component.v];
    return {
      component,
      across,
      down,
      basisAcross: basis(across),
      basisDown: basis(down),
      place: placesOf(across, down),
      quantisation: quantisations[component.quantisation]!,
      samples: new Uint8ClampedArray(stride * unitsDown * most.v * size),
      stride,
    };
  });

  const bits = new Bits(bytes, start);
  const dc = new Int32Array(planes.length);
  const block = new Float64Array(64);
  const units = unitsAcross * unitsDown;
  for (let unit = 0; unit < units; unit++) {
    if (restart && unit && unit % restart === 0) {
      if (!bits.restart()) return undefined;
      dc.fill(0);
    }
    const [x, y] = [unit % unitsAcross, Math.floor(unit / unitsAcross)];
    for (let p = 0; p < planes.length; p++) {
      const plane = planes[p]!;
      const { component, across, down } = plane;
      for (let v = 0; v < component.v; v++)
        for (let h = 0; h < component.h; h++) {
          const difference = bits.block(component.dc!, component.ac!, plane.place, plane.quantisation, block);
          if (difference === undefined) return undefined;
          dc[p]! += difference;
          block[0] = dc[p]! * plane.quantisation[0]!;
          putBlock(block, plane, (y * component.v + v) * down * stride + (x * component.h + h) * across);
        }
    }
  }
  if (!bits.whole()) return undefined;
  return cropped(planes, Math.ceil((width * size) / 8), Math.ceil((height * size) / 8));
}

/** [samples, frequencies]: the 8-point cosine transform, of which the lowest `n` frequencies are put together at `n` points. */
const bases = new Map<number, Float64Array>();
function basis(n: number): Float64Array {
  let table = bases.get(n);
  if (!table) {
    table = Float64Array.from({ length: n * n }, (_, i) => {
      const [x, u] = [Math.floor(i / n), i % n];
      return u === 0 ? Math.SQRT1_2 / 2 : Math.cos(((2 * x + 1) * u * Math.PI) / (2 * n)) / 2;
    });
    bases.set(n, table);
  }
  return table;
}

const places = new Map<number, Int8Array>();
/** As `Plane.place`. */
function placesOf(across: number, down: number): Int8Array {
  let table = places.get(8 * down + across);
  if (!table) {
    table = Int8Array.from(zigzag, (at) => (at % 8 < across && at >> 3 < down ? at : -1));
    places.set(8 * down + across, table);
  }
  return table;
}

const rows = new Float64Array(64);
/** Writes the samples of a block, and empties it. The two smallest are most of all, so that they are written out. */
function putBlock(block: Float64Array, { across, down, basisAcross, basisDown, samples, stride }: Plane, start: number): void {
  if (across === 1 && down === 1) {
    samples[start] = block[0]! / 8 + 128;
    block[0] = 0;
    return;
  }
  if (across === 2 && down === 2) {
    const mean = block[0]! / 8 + 128;
    const right = block[1]! / 8;
    const lower = block[8]! / 8;
    const both = block[9]! / 8;
    samples[start] = mean + right + lower + both;
    samples[start + 1] = mean - right + lower - both;
    samples[start + stride] = mean + right - lower - both;
    samples[start + stride + 1] = mean - right - lower + both;
    block[0] = block[1] = block[8] = block[9] = 0;
    return;
  }
  for (let v = 0; v < down; v++)
    for (let x = 0; x < across; x++) {
      let sum = 0;
      for (let u = 0; u < across; u++) sum += basisAcross[x * across + u]! * block[8 * v + u]!;
      rows[8 * v + x] = sum;
    }
  for (let y = 0; y < down; y++)
    for (let x = 0; x < across; x++) {
      let sum = 128;
      for (let v = 0; v < down; v++) sum += basisDown[y * down + v]! * rows[8 * v + x]!;
      samples[start + y * stride + x] = sum;
    }
  block.fill(0);
}

/** The picture without what fills its last units, as grey or red, green and blue (ITU-T T.871). */
function cropped(planes: readonly Plane[], width: number, height: number): Planes {
  const size = width * height;
  const channels = planes.length as 1 | 3;
  const pixels = new Uint8ClampedArray(channels * size);
  const [luma, blue, red] = planes.map(({ samples }) => samples);
  for (let y = 0, to = 0; y < height; y++)
    for (let from = y * planes[0]!.stride, end = from + width; from < end; from++, to++) {
      const brightness = luma![from]!;
      if (channels === 1) {
        pixels[to] = brightness;
        continue;
      }
      const [b, r] = [blue![from]! - 128, red![from]! - 128];
      pixels[to] = brightness + 1.402 * r;
      pixels[size + to] = brightness - 0.344136 * b - 0.714136 * r;
      pixels[2 * size + to] = brightness + 1.772 * b;
    }
  return { channels, height, width, pixels: new Uint8Array(pixels.buffer) };
}

/** The coded data of a scan as bits. */
class Bits {
  /** Without the 0 after each 0xff, and without markers; then more than a block may read. */
  readonly #data: Uint8Array;
  /** Where the data up to each restart marker, and the last, ends. */
  readonly #ends: readonly number[];
  #part = 0;
  #at = 0;
  /** The next bits are the lowest `#count` of these. */
  #held = 0;
  #count = 0;

  constructor(bytes: Uint8Array, start: number) {
    this.#data = new Uint8Array(bytes.length - start + MOST_BLOCK_BYTES);
    const ends: number[] = [];
    let length = 0;
    for (let from = start; ; ) {
      const marker = bytes.indexOf(0xff, from);
      const stop = marker < 0 ? bytes.length : marker;
      const next = bytes[stop + 1];
      this.#data.set(bytes.subarray(from, next === 0 ? stop + 1 : stop), length);
      length += (next === 0 ? stop + 1 : stop) - from;
      from = stop + 2;
      if (next === 0) continue;
      ends.push(length);
      if (next === undefined || next < 0xd0 || next > 0xd7) break;
    }
    this.#ends = ends;
  }

  /**
   * Reads a block into `into`, which is empty: the coefficients that have a place, dequantised, but for the first.
   * @returns the first one's difference from that of the block before; undefined for codes that are none
   */
  block(dc: Huffman, ac: Huffman, place: Int8Array, quantisation: Float64Array, into: Float64Array): number | undefined {
    const data = this.#data;
    let [at, held, count] = [this.#at, this.#held, this.#count];
    let table = dc;
    let difference = 0;
    if (at > this.#ends[this.#part]! + 4) return undefined;
    for (let k = 0; k < 64; k++) {
      for (; count <= 24; count += 8) held = (held << 8) | data[at++]!;
      const look = table.short[(held >>> (count - LOOK)) & ((1 << LOOK) - 1)]!;
      let symbol = look & 255;
      if (look) count -= look >>> 8;
      else {
        const length = table.lengthOf(held, count);
        if (!length) return undefined;
        symbol = table.symbols[((held >>> (count - length)) & ((1 << length) - 1)) + table.offset[length]!]!;
        count -= length;
        for (; count <= 24; count += 8) held = (held << 8) | data[at++]!;
      }
      // 25 bits hold the longest code of the table and the longest number.
      const size = symbol & 15;
      count -= size;
      if (k === 0) {
        if (symbol > 11) return undefined;
        difference = numberOf(held >>> count, size);
        table = ac;
      } else if (size) {
        k += symbol >>> 4;
        const to = place[k]!;
        if (to >= 0) into[to] = numberOf(held >>> count, size) * quantisation[k]!;
      } else if (symbol === 0xf0) k += 15;
      else break; // end of block
    }
    [this.#at, this.#held, this.#count] = [at, held, count];
    return difference;
  }

  /** Goes on after a restart marker. */
  restart(): boolean {
    if (!this.whole() || this.#part + 1 >= this.#ends.length) return false;
    this.#at = this.#ends[this.#part++]!;
    [this.#held, this.#count] = [0, 0];
    return true;
  }

  /** Whether all that was read was there. */
  whole(): boolean {
    return this.#at - (this.#count >> 3) <= this.#ends[this.#part]!;
  }
}

/** A number of `size` bits, the lowest of `bits`; those that begin with 0 are negative. */
function numberOf(bits: number, size: number): number {
  const value = bits & ((1 << size) - 1);
  return size && value < 1 << (size - 1) ? value - (1 << size) + 1 : value;
}
