import { expect, test } from "vitest";
import { hash, random, xoshiro128 } from "./random.ts";

const moments = (x: Float32Array) => {
  const mean = x.reduce((sum, v) => sum + v, 0) / x.length;
  return { mean, deviation: Math.sqrt(x.reduce((sum, v) => sum + (v - mean) ** 2, 0) / x.length) };
};
const many = () => new Float32Array(100_001);
const add = (sums: Int32Array, i: number, value = 1) => {
  sums[i] = (sums[i] ?? 0) + value;
};

test("the generator gives the numbers of the authors' C program", () => {
  const next = xoshiro128(1, 2, 3, 4);
  expect(Array.from({ length: 10 }, next)).toEqual([
    11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804,
  ]);
});

test("the hash gives the published values of MurmurHash3", () => {
  expect([hash(), hash(0), hash(0xffffffff), hash(0x87654321)]).toEqual([0, 0x2362f9de, 0x76293b50, 0xf55b516b]);
});

test("equal keys give equal numbers, and any other key gives others", () => {
  const first = (...key: (number | string)[]) => random(...key).uint32();
  expect(first(1, "shuffle")).toBe(first(1, "shuffle"));
  const keys = [[], [0], [1], [-1], [1 + 2 ** 32], ["1"], ["1", "2"], ["12"], [1, 2], [2, 1], [1, 0], [0, 1], [1, "init"], [1, "shuffle"]];
  expect(new Set(keys.map((key) => first(...key))).size).toBe(keys.length);
});

test("a seed gives the same numbers for ever", () => {
  const rng = random(1, "fixed");
  expect([rng.uint32(), rng.below(1000), [...rng.permutation(6)]]).toEqual([1110679275, 5, [0, 1, 4, 5, 3, 2]]);
});

test("uniform numbers fill [low, high) evenly", () => {
  const x = random(1).fillUniform(many());
  expect(Math.min(...x)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...x)).toBeLessThan(1);
  const { mean, deviation } = moments(x);
  expect(mean).toBeCloseTo(1 / 2, 2);
  expect(deviation).toBeCloseTo(Math.sqrt(1 / 12), 2);
  const bins = new Int32Array(10);
  for (const v of random(1).fillUniform(many(), -5, 5)) add(bins, Math.floor(v + 5));
  for (const count of bins) expect(Math.abs(count - 10_000)).toBeLessThan(400);
});

test("normal numbers have the mean and deviation asked for, and tails of the right weight", () => {
  const x = random(2).fillNormal(many(), 3, 2);
  const { mean, deviation } = moments(x);
  expect(mean).toBeCloseTo(3, 1);
  expect(deviation).toBeCloseTo(2, 1);
  const within = (s: number) => x.filter((v) => Math.abs(v - 3) < 2 * s).length / x.length;
  expect(within(1)).toBeCloseTo(0.6827, 2);
  expect(within(2)).toBeCloseTo(0.9545, 2);
});

test("a permutation holds every index once, and each index lands everywhere equally often", () => {
  expect([...random(3).permutation(1000)].sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
  expect([...random(3).permutation(0)]).toEqual([]);
  const landed = new Int32Array(25);
  const rng = random(4);
  for (let round = 0; round < 10_000; round++) for (const [place, value] of rng.permutation(5).entries()) add(landed, value * 5 + place);
  for (const count of landed) expect(Math.abs(count - 2000)).toBeLessThan(200);
});

test("one changed bit of a hash's input changes each bit of its output half of the time", () => {
  const flips = new Int32Array(32);
  const rounds = 2000;
  for (let i = 0; i < rounds; i++) {
    const change = hash(1, i, 7) ^ hash(1, i ^ (1 << (i % 32)), 7);
    for (let bit = 0; bit < 32; bit++) add(flips, bit, (change >>> bit) & 1);
  }
  for (const count of flips) expect(Math.abs(count / rounds - 0.5)).toBeLessThan(0.06);
});
