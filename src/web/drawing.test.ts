/** Drawings, made into pictures as MNIST's are. */
import { expect, test } from "vitest";
import { pictureOf, rgbaOf, type Stroke } from "./drawing.ts";

const SIDE = 28;
const line = (fromX: number, fromY: number, toX: number, toY: number): Stroke =>
  Array.from({ length: 20 }, (_, i) => ({ x: fromX + ((toX - fromX) * i) / 19, y: fromY + ((toY - fromY) * i) / 19 }));
const seven = [line(0, 0, 100, 0), line(100, 0, 30, 160)];
const moved = (strokes: readonly Stroke[], by: number, dx: number, dy: number) =>
  strokes.map((stroke) => stroke.map(({ x, y }) => ({ x: by * x + dx, y: by * y + dy })));

function measures(pixels: Uint8Array) {
  let [sum, x, y] = [0, 0, 0];
  const inked = [...pixels].flatMap((value, i) => (value > 20 ? [i] : []));
  for (const [i, value] of pixels.entries()) {
    sum += value;
    x += value * ((i % SIDE) + 0.5);
    y += value * (Math.floor(i / SIDE) + 0.5);
  }
  const rows = inked.map((i) => Math.floor(i / SIDE));
  const columns = inked.map((i) => i % SIDE);
  return { x: x / sum, y: y / sum, height: Math.max(...rows) - Math.min(...rows) + 1, width: Math.max(...columns) - Math.min(...columns) + 1 };
}

test("a drawing fills 20 of 28 pixels, keeps its form, and has its mass in the middle", () => {
  const { x, y, height, width } = measures(pictureOf(seven, SIDE, SIDE, 10));
  expect([x, y].map(Math.round)).toEqual([14, 14]);
  expect(Math.abs(height - 20)).toBeLessThanOrEqual(1);
  expect(width).toBeGreaterThan(11);
  expect(width).toBeLessThan(16);
});

test("where and how large it was drawn changes nothing", () => {
  const picture = pictureOf(seven, SIDE, SIDE, 10);
  expect(pictureOf(moved(seven, 1, 300, -40), SIDE, SIDE, 10)).toEqual(picture);
  const larger = pictureOf(moved(seven, 3, 7, 7), SIDE, SIDE, 10);
  expect(Math.max(...larger.map((value, i) => Math.abs(value - picture[i]!)))).toBeLessThanOrEqual(1);
});

test("no ink is lost at the edge where the mass is far from the middle", () => {
  const flag = [line(0, 0, 0, 200), ...Array.from({ length: 8 }, (_, i) => line(0, 4 * i, 120, 4 * i))];
  const pixels = pictureOf(flag, SIDE, SIDE, 10);
  expect(Math.max(...pixels.subarray((SIDE - 3) * SIDE))).toBeGreaterThan(200); // it reaches down there
  expect(measures(pixels).height).toBeGreaterThanOrEqual(19);
});

test("ink is light and full in the middle of a stroke, paper is dark, and edges are between", () => {
  const pixels = pictureOf([line(0, 0, 0, 100)], SIDE, SIDE, 10);
  const row = [...pixels.subarray(14 * SIDE, 15 * SIDE)];
  expect(Math.max(...row)).toBe(255);
  expect(row[0]).toBe(0);
  expect(row.filter((value) => value > 0).length).toBeLessThanOrEqual(4);
});

test("a dot stays small, and nothing drawn is paper alone", () => {
  expect(measures(pictureOf([[{ x: 5, y: 5 }]], SIDE, SIDE, 40)).height).toBeLessThanOrEqual(4);
  expect(Math.max(...pictureOf([], SIDE, SIDE, 40))).toBe(0);
});

test("a stroke that is one point beside others is drawn", () => {
  const pixels = pictureOf([line(0, 0, 0, 60), [{ x: 0, y: 100 }]], SIDE, SIDE, 10);
  const middle = [...pixels].filter((_, i) => i % SIDE === 14).map((value) => value > 100);
  expect(middle.join().match(/true(,true)*/g)).toHaveLength(2); // an exclamation mark
});

test("planes of a picture become pixels: grey thrice, colours each", () => {
  expect([...rgbaOf(Uint8Array.of(7, 9), [1, 1, 2])]).toEqual([7, 7, 7, 255, 9, 9, 9, 255]);
  expect([...rgbaOf(Uint8Array.of(1, 2, 3, 4, 5, 6), [3, 1, 2])]).toEqual([1, 3, 5, 255, 2, 4, 6, 255]);
});
