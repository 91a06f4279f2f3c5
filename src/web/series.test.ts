import { describe, expect, test } from "vitest";
import { type Curve, charts, extent, joined, refined, smoothed, taken, visible, type Watched } from "./series.ts";

const metrics = (...points: { series: string; steps: number[]; values: (number | null)[] }[]) => ({ event: "metrics", data: { points } });
const plain = ({ name, steps, values }: Curve = { name: "", steps: [], values: [] }) => ({
  name,
  steps: [...Array.from(steps)],
  values: Array.from(values),
});
const begun: Watched = { curves: new Map() };

describe("what one knows of a run", () => {
  test("grows by points that come, each once however often they are sent", () => {
    const one = taken(begun, metrics({ series: "loss", steps: [1, 2], values: [3, 2] }));
    const again = taken(one, metrics({ series: "loss", steps: [1, 2, 3], values: [3, 2, 1] }, { series: "accuracy", steps: [3], values: [0.5] }));
    expect(plain(again.curves.get("loss"))).toEqual({ name: "loss", steps: [1, 2, 3], values: [3, 2, 1] });
    expect(plain(again.curves.get("accuracy"))).toEqual({ name: "accuracy", steps: [3], values: [0.5] });
    expect(plain(one.curves.get("loss")).steps).toEqual([1, 2]);
  });

  test("keeps 100,000 points that come a few at a time, gaps among them", () => {
    let watched = begun;
    const value = (step: number) => (step % 1000 ? step / 7 : null);
    for (let step = 0; step < 100_000; step += 100) {
      const steps = Array.from({ length: 100 }, (_, i) => step + i);
      watched = taken(watched, metrics({ series: "loss", steps, values: steps.map(value) }));
    }
    const { steps, values } = watched.curves.get("loss")!;
    expect([steps.length, values.length]).toEqual([100_000, 100_000]);
    expect([0, 1, 5000, 99_999].map((i) => [steps[i], values[i]])).toEqual([
      [0, Number.NaN],
      [1, 1 / 7],
      [5000, Number.NaN],
      [99_999, 99_999 / 7],
    ]);
  });

  test("has the run's own progress once the run is told, and none when it has none", () => {
    const progress = taken(begun, { event: "progress", data: { epoch: 2 } });
    expect(progress.progress).toEqual({ epoch: 2 });
    expect(taken(progress, { event: "run", data: { id: "r" } })).toMatchObject({ run: { id: "r" }, progress: undefined });
  });
});

test("training and validation of one measure share a chart, the one number of the test has none; loss is first, accuracy second", () => {
  const names = ["samples_per_second", "test_accuracy", "validation_accuracy", "train_loss", "accuracy", "validation_loss"];
  const curves = new Map(names.map((name) => [name, { name, steps: [], values: [] }]));
  expect(charts(curves).map(({ title, curves }) => [title, curves.map(({ name }) => name)])).toEqual([
    ["loss", ["train_loss", "validation_loss"]],
    ["accuracy", ["accuracy", "validation_accuracy"]],
    ["samples_per_second", ["samples_per_second"]],
  ]);
});

test("smoothing leaves a constant as it is, from its first point on, and gaps where they are", () => {
  const { values } = smoothed({ name: "x", steps: [1, 2, 3], values: [4, null, 4] });
  expect(values[0]).toBeCloseTo(4, 12);
  expect(values[1]).toBeNaN();
  expect(values[2]).toBeCloseTo(4, 12);
});

test("curves of different steps are laid over one axis", () => {
  const a = { name: "a", steps: [1, 3], values: [10, 30] };
  const b = { name: "b", steps: [2, 3], values: [20, null] };
  expect(joined([a, b])).toEqual([
    [1, 2, 3],
    [10, null, 30],
    [null, 20, null],
  ]);
});

describe("what of a curve can be seen", () => {
  const steps = Float64Array.from({ length: 100_000 }, (_, i) => i);
  const values = steps.map((step) => Math.sin(step / 5000));
  values[43_210] = 9;
  values[50_001] = Number.NaN;
  const curve = { name: "x", steps, values };

  test("is few points, with first, last and every peak", () => {
    const seen = visible(curve, extent([curve]), 500);
    expect(seen.steps.length).toBeLessThanOrEqual(4 * 501);
    expect([seen.steps[0], seen.steps[seen.steps.length - 1]]).toEqual([0, 99_999]);
    expect(Math.max(...Array.from(seen.values as Float64Array).filter((v) => !Number.isNaN(v)))).toBe(9);
  });

  test("is every point once there are few, and one on each side of what is shown", () => {
    const seen = visible(curve, [43_200, 43_220], 500);
    expect(Array.from(seen.steps)).toEqual(Array.from({ length: 23 }, (_, i) => 43_199 + i));
    expect(seen.values[11]).toBe(9);
  });

  test("of a short curve is the curve", () => {
    const short = { name: "s", steps: [1, 2, 3], values: [1, null, 3] };
    expect(visible(short, [1, 3], 100)).toEqual(short);
    expect(joined([visible(short, [1, 3], 100)])).toEqual([
      [1, 2, 3],
      [1, null, 3],
    ]);
  });
});

test("an axis of steps has room also for one step, and for none", () => {
  const of = (...steps: number[]) => extent([{ name: "x", steps, values: steps }]);
  expect([of(3, 9), of(60), of()]).toEqual([
    [3, 9],
    [59, 61],
    [0, 1],
  ]);
});

test("a stretch that is known more closely takes its place; what came since stays, and where as much was known nothing changes", () => {
  const curve = { name: "x", steps: [0, 10, 20, 30], values: [0, 1, 2, 3] };
  const closer = { steps: [10, 12, 15, 20], values: [1, 5, 6, 2] };
  expect(refined(curve, [9, 21], closer)).toEqual({ name: "x", steps: [0, 10, 12, 15, 20, 30], values: [0, 1, 5, 6, 2, 3] });
  expect(refined(curve, [9, 21], { steps: [10, 20], values: [1, 2] })).toBe(curve);
  expect(refined(curve, [9, 21], undefined)).toBe(curve);
});
