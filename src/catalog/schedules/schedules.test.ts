/** Schedules against PyTorch's schedulers: the numbers come from test/python/reference_schedules.py. */
import { describe, expect, test } from "vitest";
import { resolveParams } from "../../shared/define.ts";
import { schedules } from "./index.ts";
import reference from "./schedules.reference.json" with { type: "json" };

interface Case {
  readonly params: Readonly<Record<string, unknown>>;
  readonly progress: { readonly stepsPerEpoch: number; readonly totalSteps: number };
  /** Of every epoch. */
  readonly losses: readonly number[];
  readonly steps: readonly number[];
  /** At each of `steps`. */
  readonly factors: readonly number[];
}
const cases: Readonly<Record<string, readonly Case[]>> = reference;

for (const schedule of schedules)
  describe(schedule.id, () => {
    test("has reference numbers", () => expect(cases[schedule.id]).toBeDefined());

    for (const { params: given, progress, losses, steps, factors } of cases[schedule.id] ?? [])
      test(`agrees with PyTorch, with parameters ${JSON.stringify(given)}`, () => {
        const params = resolveParams(`schedule "${schedule.id}"`, schedule.params, given);
        const ours = steps.map((step) => schedule.factor({ ...progress, step, losses: losses.slice(0, step / progress.stepsPerEpoch) }, params));
        expect(ours).toEqual(factors.map((factor) => expect.closeTo(factor, 8)));
      });

    test("gives a factor from 0 to 1 at every step of even the shortest training", () => {
      const params = resolveParams(`schedule "${schedule.id}"`, schedule.params);
      for (const totalSteps of [1, 2, 3])
        for (let step = 0; step < totalSteps; step++) {
          const factor = schedule.factor({ step, stepsPerEpoch: 1, totalSteps, losses: Array(step).fill(1) }, params);
          expect(factor).toBeGreaterThanOrEqual(0);
          expect(factor).toBeLessThanOrEqual(1);
        }
    });
  });
