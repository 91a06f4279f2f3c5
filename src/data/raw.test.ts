import { expect, test } from "vitest";
import { decimal } from "./raw.ts";

test("a float32 is shown by the fewest digits that give it back", () => {
  const shown = (value: number) => decimal(Math.fround(value));
  for (const value of [0.1, 1.4, 3.4, -0.2, 16_777_216, 1e-7, 3.4028235e38, 0, 123_456.7, 0.33333334]) expect(shown(value)).toBe(value);
  expect(shown(Number.NaN)).toBeNaN();
  expect(decimal(0.1 + 1e-12)).toBe(0.1 + 1e-12); // no float32
});
