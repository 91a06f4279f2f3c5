/** Sorting places by whole-number keys: what orders the values of a column, once for all rows and again in each node. */

/** Below this many, moving neighbours beats counting digits. */
const FEW = 48;

/** Room for keys, and the places they came from. */
export interface Sorter {
  /** Keys to sort, then sorted. */
  readonly keys: Uint32Array;
  /** After sorting: where each key stood before. */
  readonly order: Int32Array;
  /** Sorts the first n keys; those that are equal stay in their order. */
  sort(n: number): void;
  /** Sorts the codes of these rows, and says whether they differ: sorted they are only then. */
  sortBytes(codes: Uint8Array, rows: Int32Array, start: number, n: number): boolean;
}

/** Insertion for few, else radix by bytes (least first) that leaves out bytes in which all keys agree. */
export function sorter(capacity: number): Sorter {
  const [keys, order] = [new Uint32Array(capacity), new Int32Array(capacity)];
  const [spareKeys, spareOrder] = [new Uint32Array(capacity), new Int32Array(capacity)];
  const ends = new Int32Array(256);
  const places = Int32Array.from({ length: capacity }, (_, i) => i);

  return {
    keys,
    order,

    sortBytes(codes, rows, start, n) {
      countCodes(codes, rows, start, n, spareKeys, ends);
      const differ = ends[spareKeys[0]!] !== n;
      toStarts(ends);
      if (differ) place(n, 0, spareKeys, places, keys, order, ends);
      return differ;
    },

    sort(n) {
      if (n <= FEW) return insert(n, keys, order);
      const differing = differences(n, keys);
      order.set(places.subarray(0, n));
      let inSpare = false;
      for (let shift = 0; shift < 32; shift += 8)
        if ((differing >>> shift) & 255) {
          countBytes(n, shift, inSpare ? spareKeys : keys, ends);
          toStarts(ends);
          if (inSpare) place(n, shift, spareKeys, spareOrder, keys, order, ends);
          else place(n, shift, keys, order, spareKeys, spareOrder, ends);
          inSpare = !inSpare;
        }
      if (!inSpare) return;
      keys.set(spareKeys.subarray(0, n));
      order.set(spareOrder.subarray(0, n));
    },
  };
}

// Each loop is a function of its own: what V8 compiles in the midst of a loop it throws away where the function goes on to what it has not seen yet.

function insert(n: number, keys: Uint32Array, order: Int32Array): void {
  for (let i = 0; i < n; i++) {
    const key = keys[i]!;
    let at = i;
    for (; at > 0 && keys[at - 1]! > key; at--) {
      keys[at] = keys[at - 1]!;
      order[at] = order[at - 1]!;
    }
    keys[at] = key;
    order[at] = i;
  }
}

/** Bits in which any key differs from the first. */
function differences(n: number, keys: Uint32Array): number {
  let differing = 0;
  for (let i = 1; i < n; i++) differing |= keys[i]! ^ keys[0]!;
  return differing;
}

function countBytes(n: number, shift: number, keys: Uint32Array, counts: Int32Array): void {
  counts.fill(0);
  for (let i = 0; i < n; i++) counts[(keys[i]! >>> shift) & 255]!++;
}

function countCodes(codes: Uint8Array, rows: Int32Array, start: number, n: number, keys: Uint32Array, counts: Int32Array): void {
  counts.fill(0);
  for (let i = 0; i < n; i++) {
    const code = codes[rows[start + i]!]!;
    keys[i] = code;
    counts[code]!++;
  }
}

/** How many there are of each becomes where they start. */
function toStarts(counts: Int32Array): void {
  for (let digit = 0, start = 0; digit < 256; digit++) {
    const count = counts[digit]!;
    counts[digit] = start;
    start += count;
  }
}

function place(n: number, shift: number, from: Uint32Array, fromOrder: Int32Array, to: Uint32Array, toOrder: Int32Array, starts: Int32Array): void {
  for (let i = 0; i < n; i++) {
    const at = starts[(from[i]! >>> shift) & 255]!++;
    to[at] = from[i]!;
    toOrder[at] = fromOrder[i]!;
  }
}
