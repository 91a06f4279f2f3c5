/** How long a training will take, by how long others took here. */

/** A training of a network, in numbers. */
export interface Work {
  /** Floating-point operations of a step, forward and backward. */
  readonly flops: number;
  readonly batchSize: number;
  readonly samples: number;
  readonly epochs: number;
}
export interface DoneWork extends Work {
  /** Samples a second. */
  readonly rate: number;
  /** From beginning to end. */
  readonly seconds: number;
}

/** A fit of a classical model. */
export interface Fit {
  readonly rows: number;
  readonly features: number;
}
export interface DoneFit extends Fit {
  readonly seconds: number;
}

export interface Duration {
  readonly seconds: number;
  /** Between which it likely is. */
  readonly low: number;
  readonly high: number;
  /** Runs that it is told by. */
  readonly runs: number;
}

const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
};

/** What no run is free of: another program on the machine, a slow disk. */
const SPREAD = 1.25;
/** Of what is told by the speed of other networks: kernels differ. */
const WIDE = 2;

const around = (seconds: number, factor: number, runs: number): Duration => ({ seconds, low: seconds / factor, high: seconds * factor, runs });

/** Reading the data, validation and evaluation: what is not steps. */
const besides = (runs: readonly DoneWork[]): number =>
  median(runs.map(({ seconds, samples, epochs, rate }) => Math.max(0, seconds - (samples * epochs) / rate)));

/** Told by runs of the same network on the same data. */
export function asBefore({ samples, epochs }: Work, runs: readonly DoneWork[]): Duration | undefined {
  if (!runs.length) return undefined;
  const rates = runs.map(({ rate }) => rate);
  const rate = median(rates);
  const factor = Math.max(SPREAD, Math.max(...rates) / rate, rate / Math.min(...rates));
  return around(besides(runs) + (samples * epochs) / rate, factor, runs.length);
}

/** Told by runs of other networks: a step takes some time whatever it computes, and more the more it computes. */
export function bySpeed({ flops, batchSize, samples, epochs }: Work, runs: readonly DoneWork[]): Duration | undefined {
  if (!runs.length) return undefined;
  const steps = runs.map((run) => ({ flops: run.flops, seconds: run.batchSize / run.rate }));
  const { fixed, each } = line(steps);
  const stray = steps.map((step) => Math.max((fixed + each * step.flops) / step.seconds, step.seconds / (fixed + each * step.flops)));
  const seconds = besides(runs) + ((fixed + each * flops) * samples * epochs) / batchSize;
  return around(seconds, Math.max(WIDE, ...stray), runs.length);
}

/** seconds = fixed + each * flops, neither below zero, by least squares of the relative errors. */
function line(steps: readonly { readonly flops: number; readonly seconds: number }[]): { readonly fixed: number; readonly each: number } {
  let [one, mixed, square, sumOne, sumFlops] = [0, 0, 0, 0, 0];
  for (const { flops, seconds } of steps) {
    const [u, v] = [1 / seconds, flops / seconds];
    one += u * u;
    mixed += u * v;
    square += v * v;
    sumOne += u;
    sumFlops += v;
  }
  const determinant = one * square - mixed * mixed;
  if (determinant > 1e-9 * one * square) {
    const fixed = (sumOne * square - sumFlops * mixed) / determinant;
    const each = (one * sumFlops - mixed * sumOne) / determinant;
    if (fixed >= 0 && each >= 0) return { fixed, each };
    if (each < 0) return { fixed: sumOne / one, each: 0 };
  }
  return square > 0 ? { fixed: 0, each: sumFlops / square } : { fixed: sumOne / one, each: 0 };
}

/** A fit of more than so many times the values of one that was seen may take any time. */
const REACH = 10;

/** Told by the same classical model with the same settings, on about as many values. */
export function ofFit({ rows, features }: Fit, runs: readonly DoneFit[]): Duration | undefined {
  const ratios = runs.map((run) => ({ seconds: run.seconds, ratio: (rows * features) / (run.rows * run.features) }));
  const same = ratios.filter(({ ratio }) => ratio > 0.9 && ratio < 1.1).map(({ seconds }) => seconds);
  if (same.length) {
    const seconds = median(same);
    return around(seconds, Math.max(SPREAD, Math.max(...same) / seconds, seconds / Math.min(...same)), same.length);
  }
  const [nearest] = ratios.sort((a, b) => Math.abs(Math.log(a.ratio)) - Math.abs(Math.log(b.ratio)));
  if (!nearest || nearest.ratio > REACH || nearest.ratio < 1 / REACH) return undefined;
  const seconds = nearest.seconds * nearest.ratio;
  // Of some models the time grows with the square of the rows.
  return { seconds, low: Math.min(seconds, nearest.seconds) / SPREAD, high: Math.max(seconds * nearest.ratio, nearest.seconds) * SPREAD, runs: 1 };
}
