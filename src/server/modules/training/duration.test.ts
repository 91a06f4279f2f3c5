/** Times that are told by others. */
import { expect, test } from "vitest";
import { asBefore, bySpeed, type DoneWork, ofFit } from "./duration.ts";

const work = { flops: 1e6, batchSize: 100, samples: 1000, epochs: 10 };
const done = (change: Partial<DoneWork>): DoneWork => ({ ...work, rate: 1000, seconds: 12, ...change });

test("a training like others takes their time, what is not steps included once", () => {
  expect(asBefore({ ...work, epochs: 100 }, [done({}), done({ rate: 1000 })])).toMatchObject({ seconds: 102, runs: 2 });
  const { low, high } = asBefore(work, [done({ rate: 500 }), done({ rate: 1000 }), done({ rate: 2000 })])!;
  expect([low, high]).toEqual([6, 24]);
  expect(asBefore(work, [])).toBeUndefined();
});

test("a step of another network takes what every step takes, and more for each operation", () => {
  // 1 ms for a step, and 1 s for 1e9 operations.
  const runs = [1e6, 1e7, 1e8].map((flops) => done({ flops, rate: 100 / (1e-3 + flops / 1e9), seconds: 0 }));
  expect(bySpeed({ ...work, flops: 1e9 }, runs)!.seconds).toBeCloseTo(100 * 1.001);
  expect(bySpeed({ ...work, flops: 0 }, runs)!.seconds).toBeCloseTo(100 * 0.001);
});

test("by one other network alone time grows with the operations, and the doubt is told", () => {
  const { seconds, low, high } = bySpeed({ ...work, flops: 2e6 }, [done({ seconds: 0 })])!;
  expect([seconds, low, high].map(Math.round)).toEqual([20, 10, 40]);
});

test("networks whose larger steps were faster leave a step its usual time, never a negative one", () => {
  const runs = [done({ flops: 1e6, rate: 1000 }), done({ flops: 1e8, rate: 2000 })];
  for (const flops of [0, 1e6, 1e12]) expect(bySpeed({ ...work, flops }, runs)!.seconds).toBeGreaterThan(0);
});

test("a fit takes the time of one of as many values, in proportion where there are up to ten times as many, and beyond that nobody knows", () => {
  const runs = [
    { rows: 100, features: 4, seconds: 1 },
    { rows: 1000, features: 4, seconds: 8 },
  ];
  expect(ofFit({ rows: 1000, features: 4 }, runs)).toMatchObject({ seconds: 8, runs: 1 });
  expect(ofFit({ rows: 4000, features: 4 }, runs)).toMatchObject({ seconds: 32 });
  expect(ofFit({ rows: 4000, features: 4 }, runs)!.high).toBeGreaterThan(100); // were it quadratic
  expect(ofFit({ rows: 20_000, features: 4 }, runs)).toBeUndefined();
  expect(ofFit({ rows: 100, features: 4 }, [])).toBeUndefined();
});
