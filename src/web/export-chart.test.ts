import { expect, test } from "vitest";
import { type DrawnChart, ticksOf, toCsv, toJson, toSvg } from "./export-chart.ts";

const chart: DrawnChart = {
  title: "Loss <b>",
  x: "Step",
  lines: [
    { label: 'train, "smooth"', x: [1, 2, 3], y: [0.5, null, 0.25] },
    { label: "=cmd()", x: Float64Array.of(1), y: Float64Array.of(Number.NaN) },
  ],
};

test("as CSV every point is a line; texts are quoted, and none is taken for a formula", () => {
  expect(toCsv(chart)).toBe(
    ["curve,Step,value", '"train, ""smooth""",1,0.5', '"train, ""smooth""",2,', '"train, ""smooth""",3,0.25', "'=cmd(),1,", ""].join("\r\n"),
  );
});

test("as JSON what has no value is null", () => {
  expect(JSON.parse(toJson(chart)).curves).toEqual([
    { label: 'train, "smooth"', x: [1, 2, 3], y: [0.5, null, 0.25] },
    { label: "=cmd()", x: [1], y: [null] },
  ]);
});

test("as SVG it is a drawing in which texts are texts", () => {
  const svg = toSvg(chart);
  expect(svg).toContain("Loss &lt;b&gt;");
  expect(svg).not.toMatch(/<b>|<script|<style|style=/);
  expect(svg).toMatch(/<path d="M70\.0 40\.0L784\.0 360\.0" fill="none"/);
});

test("as SVG with powers of ten up the side, only what is above 0 is drawn", () => {
  const svg = toSvg({ title: "x", x: "Step", lines: [{ label: "a", x: [0, 1, 2], y: [100, 0, 0.01] }], log: true });
  expect(svg).toMatch(/<path d="M70\.0 40\.0L784\.0 360\.0" fill="none"/);
  expect(svg).toContain(">0.01<");
  expect(svg).toContain(">100<");
});

test("as SVG it shows what one has zoomed to", () => {
  const svg = toSvg({ title: "x", x: "Step", lines: [{ label: "a", x: [0, 5, 10], y: [0, 1, 2] }], within: { x: [4, 10] } });
  expect(svg).toMatch(/d="M189\.0 200\.0L784\.0 40\.0"/);
});

test("ticks are round numbers within the range", () => {
  expect(ticksOf(0, 1)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
  expect(ticksOf(-3, 97)).toEqual([0, 20, 40, 60, 80]);
  expect(ticksOf(0.0012, 0.0019)).toEqual([0.0012, 0.0014, 0.0016, 0.0018]);
  expect(ticksOf(7, 7)).toEqual([7]);
});
