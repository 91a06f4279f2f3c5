/**
 * Seeded randomness, the same numbers on every machine: a generator for sequences (shuffles, initial weights)
 * and a pure hash for values that must be a function of their place (seed, step, layer), whatever ran before.
 *
 * Generator: xoshiro128**, D. Blackman and S. Vigna, "Scrambled Linear Pseudorandom Number Generators",
 * ACM TOMS 47(4), 2021, https://prng.di.unimi.it/xoshiro128starstar.c (period 2^128 - 1).
 * Hash: MurmurHash3_x86_32, A. Appleby, https://github.com/aappleby/smhasher, over 32-bit words.
 */

export interface Random {
  /** An integer from 0 to 2^32 - 1. */
  uint32(): number;
  /** A number in [0, 1), a multiple of 2^-32. */
  next(): number;
  /** An integer in [0, n). Off from uniform by at most n / 2^32. */
  below(n: number): number;
  /** Fills with numbers in [low, high) and returns the array. */
  fillUniform(out: Float32Array, low?: number, high?: number): Float32Array;
  /** Fills with normally distributed numbers and returns the array. */
  fillNormal(out: Float32Array, mean?: number, deviation?: number): Float32Array;
  /** 0 .. n - 1 in random order. */
  permutation(n: number): Int32Array;
  /** Puts the elements in random order, in place (Fisher-Yates), and returns the array. */
  shuffle(items: Int32Array): Int32Array;
}

/**
 * A generator of its own for each key: `random(seed, "shuffle", epoch)` and `random(seed, "init", layer)` are independent.
 * @example random(1, "shuffle").permutation(60_000)
 */
export function random(...key: readonly (number | string)[]): Random {
  const words = key.flatMap(keyWords);
  return generator(xoshiro128(hash(0, ...words), hash(1, ...words), hash(2, ...words), hash(3, ...words)));
}

/** MurmurHash3 of the integers (taken modulo 2^32), an integer from 0 to 2^32 - 1. */
export function hash(...ints: readonly number[]): number {
  let h = 0;
  for (const int of ints) {
    let k = Math.imul(int | 0, 0xcc9e2d51);
    k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
    h ^= k;
    h = (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
  }
  h ^= 4 * ints.length;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** The bare generator from its four words of state, not all zero. */
export function xoshiro128(a: number, b: number, c: number, d: number): () => number {
  return () => {
    const b5 = Math.imul(b, 5);
    const result = Math.imul((b5 << 7) | (b5 >>> 25), 9) >>> 0;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = (d << 11) | (d >>> 21);
    return result;
  };
}

function generator(uint32: () => number): Random {
  const next = () => uint32() * 2 ** -32;
  const below = (n: number) => Math.floor(next() * n);
  const shuffle = (items: Int32Array) => {
    for (let i = items.length - 1; i > 0; i--) {
      const j = below(i + 1);
      const held = items[i] as number;
      items[i] = items[j] as number;
      items[j] = held;
    }
    return items;
  };
  return {
    uint32,
    next,
    below,
    shuffle,
    permutation: (n) => shuffle(Int32Array.from({ length: n }, (_, i) => i)),
    fillUniform(out, low = 0, high = 1) {
      // 24 bits: a float32 holds them exactly, so that 1 never comes by rounding up
      for (let i = 0; i < out.length; i++) out[i] = low + (uint32() >>> 8) * 2 ** -24 * (high - low);
      return out;
    },
    fillNormal(out, mean = 0, deviation = 1) {
      // Box-Muller, two numbers at a time; 1 - next() is in (0, 1], where log is finite. V8 computes log, cos and sin in software.
      for (let i = 0; i < out.length; i += 2) {
        const radius = deviation * Math.sqrt(-2 * Math.log(1 - next()));
        const angle = 2 * Math.PI * next();
        out[i] = mean + radius * Math.cos(angle);
        if (i + 1 < out.length) out[i + 1] = mean + radius * Math.sin(angle);
      }
      return out;
    },
  };
}

/** A key as words: both halves of a number (seeds go up to 2^53), the characters of a string; the kind and the length come first. */
const keyWords = (part: number | string): number[] =>
  typeof part === "number"
    ? [0, part, Math.floor(part / 2 ** 32)]
    : [1, part.length, ...Array.from({ length: part.length }, (_, i) => part.charCodeAt(i))];
