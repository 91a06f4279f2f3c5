/** What a profile says of tables with many rows, of which numbers are counted by their bits. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { resolveParams } from "../../shared/define.ts";
import { quantileShares } from "../../shared/profile.ts";
import { importTable } from "./import.ts";
import { tableParams } from "./options.ts";
import { shapesOf } from "./quantiles.ts";

const root = mkdtempSync(join(tmpdir(), "trainyard-profile-"));
afterAll(() => rmSync(root, { recursive: true }));

test("quantiles and histograms that are counted by bits are those of the sorted numbers", async () => {
  const rows = 5000;
  const columns: ((row: number) => number)[] = [
    (i) => Math.sin(i) * 10 ** ((i % 60) - 30), // all magnitudes, both signs
    (i) => i % 3,
    (i) => (i % 7 ? Number.NaN : -i),
    () => 2.5,
    (i) => (i % 2 ? 0 : -0),
    () => Number.NaN,
  ];
  const numbers = Float32Array.from({ length: rows * columns.length }, (_, at) => columns[at % columns.length]!(Math.floor(at / columns.length)));
  const sorted = columns.map((_, c) => numbers.filter((value, at) => at % columns.length === c && !Number.isNaN(value)).sort());
  async function* passes() {
    for (let at = 0; at < numbers.length; at += 512 * columns.length) yield numbers.slice(at, at + 512 * columns.length);
  }
  const ends = sorted.map((values) => (values.length ? ([values[0]!, values.at(-1)!] as const) : undefined));
  const shapes = await shapesOf(passes, columns.length, ends, 10);
  for (const [c, values] of sorted.entries()) {
    const wanted = quantileShares.map((share) => {
      const at = share * (values.length - 1);
      const [below, above] = [values[Math.floor(at)]!, values[Math.ceil(at)]!];
      return below + (above - below) * (at - Math.floor(at));
    });
    expect(shapes[c]!.quantiles.map((q) => q + 0)).toEqual(values.length ? wanted.map((q) => q + 0) : []);
    expect(shapes[c]!.counts.reduce((sum, n) => sum + n)).toBe(values.length);
  }
  expect(shapes[1]!.counts).toEqual([1667, 0, 0, 0, 0, 1667, 0, 0, 0, 1666]);
});

test("many rows have the quantiles of all of them, too, and estimated distinct values", async () => {
  const path = join(root, "many.csv");
  const n = 250_000;
  writeFileSync(path, `x,word,y\n${Array.from({ length: n }, (_, i) => `${((i * 7919) % n) / 8},w${i % 9},${i % 2}`).join("\n")}\n`);
  const options = { ...resolveParams("table", tableParams), columns: [] };
  const { profile } = await importTable([{ path }], options, { directory: mkdtempSync(join(root, "import-")) });
  const [x, word] = profile.columns!;
  for (const [i, share] of quantileShares.entries()) expect(x!.quantiles![i]).toBeCloseTo((share * (n - 1)) / 8, 2);
  expect(x!.histogram!.counts.every((count) => Math.abs(count - n / 30) <= 1)).toBe(true);
  expect(Math.abs(x!.distinct - n)).toBeLessThan(0.1 * n);
  expect([word!.distinct, word!.top![0]]).toEqual([9, { value: "w0", count: 27_778 }]);
});
