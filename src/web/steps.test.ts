import { describe, expect, test } from "vitest";
import { moved, rangeOf, shades } from "./steps.ts";

test("a step that is moved stands where it was put, and the others keep their order", () => {
  expect(moved(["a", "b", "c", "d"], 0, 2)).toEqual(["b", "c", "a", "d"]);
  expect(moved(["a", "b", "c", "d"], 3, 1)).toEqual(["a", "d", "b", "c"]);
});

describe("what pixels look like", () => {
  test("bytes are shown as they are, planes of colours side by side", () => {
    expect([...shades([0, 10, 20, 30, 40, 250], [3, 1, 2], [0, 250])]).toEqual([0, 20, 40, 255, 10, 30, 250, 255]);
  });

  test("what was scaled is shown from black to white, whatever its range, and one value alone as black", () => {
    expect([...shades([-2, 0, 2], [1, 1, 3], [-2, 2])]).toEqual([0, 0, 0, 255, 128, 128, 128, 255, 255, 255, 255, 255]);
    expect([...shades([0.5, 0.5], [1, 1, 2], [0.5, 0.5])]).toEqual([0, 0, 0, 255, 0, 0, 0, 255]);
  });
});

test("the range of pictures goes over all of them", () => {
  expect(rangeOf([[1, 2], [-3], [7, 0]])).toEqual([-3, 7]);
});
