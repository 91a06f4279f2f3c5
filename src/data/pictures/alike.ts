/** Which pictures are the same, and which look the same: found while they pass by, in some bytes for each. */

const [WIDTH, HEIGHT] = [9, 8];
const CELLS = WIDTH * HEIGHT;
/** Points of a cell that are looked at, along each side. */
const POINTS = 2;
/** Pictures whose thumbnails differ by less than this on average, of 255, look the same. */
const NEAR = 3;

/** A picture by its place among all that passed. */
export interface Like {
  readonly at: number;
  /** The earlier one. */
  readonly like: number;
  readonly exact: boolean;
}

/**
 * - The same: equal 64-bit hashes of all bytes (two of 32 bits, multiplied and rotated as MurmurHash3 does, by A. Appleby); among
 *   ten million pictures two different ones meet by chance once in 370,000 tries.
 * - Looks the same: equal difference hash (dHash by N. Krawetz: whether each of 9 x 8 cells is brighter than its neighbour), and
 *   thumbnails that hardly differ, as flat pictures have equal hashes whatever they show.
 */
export class Alike {
  readonly #channels: number;
  readonly #plane: number;
  readonly #points: Int32Array;
  /** By picture: the two hashes of its bytes, those of its look, its thumbnail. */
  readonly #exact: Uint32Array;
  readonly #look: Uint32Array;
  readonly #thumbnails: Uint8Array;
  #count = 0;

  /** @param most pictures that may come */
  constructor([channels, height, width]: readonly [number, number, number], most: number) {
    this.#channels = channels;
    this.#plane = height * width;
    this.#exact = new Uint32Array(2 * most);
    this.#look = new Uint32Array(2 * most);
    this.#thumbnails = new Uint8Array(CELLS * most);
    this.#points = points(height, width);
  }

  /** @param pixels [count, channels, height, width] */
  add(pixels: Uint8Array): void {
    const bytes = this.#channels * this.#plane;
    for (let start = 0; start < pixels.length; start += bytes, this.#count++) {
      this.#hash(pixels, start, start + bytes);
      this.#see(pixels, start);
    }
  }

  #hash(pixels: Uint8Array, start: number, end: number): void {
    let [a, b] = [0x9747b28c, 0x85ebca6b];
    let i = start;
    for (; i + 4 <= end; i += 4) {
      const word = pixels[i]! | (pixels[i + 1]! << 8) | (pixels[i + 2]! << 16) | (pixels[i + 3]! << 24);
      a = Math.imul(((a ^ word) << 13) | ((a ^ word) >>> 19), 0xcc9e2d51) + 0x6b64e654;
      b = Math.imul(((b ^ word) << 15) | ((b ^ word) >>> 17), 0x1b873593) + 0x52dce729;
    }
    for (; i < end; i++) {
      a = Math.imul(a ^ pixels[i]!, 0xcc9e2d51) + 1;
      b = Math.imul(b ^ pixels[i]!, 0x1b873593) + 1;
    }
    this.#exact[2 * this.#count] = finished(a);
    this.#exact[2 * this.#count + 1] = finished(b);
  }

  #see(pixels: Uint8Array, start: number): void {
    const at = this.#count * CELLS;
    const perCell = POINTS * POINTS;
    const divisor = perCell * this.#channels;
    for (let cell = 0; cell < CELLS; cell++) {
      let sum = 0;
      for (let p = cell * perCell; p < (cell + 1) * perCell; p++)
        for (let c = 0; c < this.#channels; c++) sum += pixels[start + c * this.#plane + this.#points[p]!]!;
      this.#thumbnails[at + cell] = sum / divisor;
    }
    let [low, high] = [0, 0];
    for (let row = 0; row < HEIGHT; row++)
      for (let x = 0; x < WIDTH - 1; x++) {
        const bit = this.#thumbnails[at + row * WIDTH + x]! < this.#thumbnails[at + row * WIDTH + x + 1]! ? 1 : 0;
        if (row < 4) low = (low << 1) | bit;
        else high = (high << 1) | bit;
      }
    this.#look[2 * this.#count] = low;
    this.#look[2 * this.#count + 1] = high;
  }

  /** @param order places of pictures: of two that are alike, the one that comes first here is the earlier one */
  *likenesses(order: Uint32Array): Generator<Like> {
    const exact = new Table(this.#exact, order.length);
    const look = new Table(this.#look, order.length);
    for (const at of order) {
      const same = exact.first(at);
      if (same !== at) {
        yield { at, like: same, exact: true };
        continue;
      }
      const similar = look.first(at);
      if (similar !== at && this.#difference(at, similar) < NEAR) yield { at, like: similar, exact: false };
    }
  }

  #difference(a: number, b: number): number {
    let sum = 0;
    for (let i = 0; i < CELLS; i++) sum += Math.abs(this.#thumbnails[a * CELLS + i]! - this.#thumbnails[b * CELLS + i]!);
    return sum / CELLS;
  }
}

/** The last step of MurmurHash3: every bit of the input changes every bit with the same chance. */
function finished(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Pixels that stand for each cell, by their place in a plane. */
function points(height: number, width: number): Int32Array {
  const all = new Int32Array(CELLS * POINTS * POINTS);
  const place = (cell: number, of: number, point: number, size: number) =>
    Math.min(size - 1, Math.floor(((cell + (point + 0.5) / POINTS) * size) / of));
  let i = 0;
  for (let row = 0; row < HEIGHT; row++)
    for (let x = 0; x < WIDTH; x++)
      for (let py = 0; py < POINTS; py++)
        for (let px = 0; px < POINTS; px++) all[i++] = place(row, HEIGHT, py, height) * width + place(x, WIDTH, px, width);
  return all;
}

/** Which picture had a pair of hashes first: open addressing, in typed arrays. */
class Table {
  readonly #hashes: Uint32Array;
  readonly #slots: Int32Array;
  readonly #mask: number;

  constructor(hashes: Uint32Array, count: number) {
    this.#hashes = hashes;
    const size = 2 ** Math.ceil(Math.log2(Math.max(2, 2 * count)));
    this.#slots = new Int32Array(size).fill(-1);
    this.#mask = size - 1;
  }

  first(at: number): number {
    const [a, b] = [this.#hashes[2 * at]!, this.#hashes[2 * at + 1]!];
    for (let slot = finished(a ^ Math.imul(b, 0x9e3779b1)) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const found = this.#slots[slot]!;
      if (found < 0) {
        this.#slots[slot] = at;
        return at;
      }
      if (this.#hashes[2 * found] === a && this.#hashes[2 * found + 1] === b) return found;
    }
  }
}
