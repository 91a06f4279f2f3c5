/** How far to go in a direction: a search for the strong Wolfe conditions (Nocedal & Wright 2006, algorithms 3.5 and 3.6). */

/** φ(α) = f(x + α·d) and its slope φ'(α) = ∇f·d. */
export interface Trial {
  readonly at: number;
  readonly value: number;
  readonly slope: number;
}

/** φ(α) ≤ φ(0) + c₁·α·φ'(0): it has fallen enough. |φ'(α)| ≤ c₂·|φ'(0)|: it hardly falls further. */
const C1 = 1e-4;
const C2 = 0.9;
/** How much of a sum of float32 losses is rounding: a rise by less is none. */
const NOISE = 2 ** -22;
/** How the first bracket grows, at least and at most. */
const [SLOWEST, FASTEST] = [1.1, 10];
/** Share of the bracket's width to keep from both of its ends. */
const MARGIN = 0.1;

/**
 * Yields where to look, is given what is there.
 * @param first where to look first
 * @param most how often to look
 * @returns a point that meets the conditions, else the lowest one that was found, if it has fallen by more than rounding
 * @example const search = strongWolfe({ at: 0, value: 1, slope: -2 }, 1, 20); // minimises (1 - α)²
 */
export function* strongWolfe<T extends Trial>(start: Trial, first: number, most: number): Generator<number, T | undefined, T> {
  /** Near a minimum φ changes less than it is rounded; there the slopes alone decide (Hager & Zhang 2005, approximate Wolfe conditions). */
  const noise = NOISE * Math.abs(start.value);
  const hasFallen = ({ at, value, slope }: Trial) =>
    value <= start.value + C1 * at * start.slope || (value <= start.value + noise && slope <= (2 * C1 - 1) * start.slope);
  const isFlat = ({ slope }: Trial) => Math.abs(slope) <= -C2 * start.slope;

  let at = first;
  let low: T | undefined; // fallen enough
  let high: Trial | undefined; // the other end of a bracket
  for (let looks = 0; looks < most; looks++) {
    const trial = yield at;
    const floor: Trial = low ?? start;
    if (!hasFallen(trial) || trial.value > floor.value + noise) {
      high = trial;
    } else {
      if (isFlat(trial)) return trial;
      const onward = (high?.at ?? Number.POSITIVE_INFINITY) - floor.at;
      if (trial.slope * onward >= 0) high = floor;
      low = trial;
    }
    at = high ? within(low ?? start, high) : beyond(floor, trial);
  }
  return low && low.value < start.value - noise ? low : undefined;
}

/** A point inside the bracket: where the cubic through both ends is lowest, kept away from them. */
function within(a: Trial, b: Trial): number {
  const [from, to] = a.at < b.at ? [a.at, b.at] : [b.at, a.at];
  const margin = MARGIN * (to - from);
  return clamp(lowest(a, b), from + margin, to - margin);
}

/** A point beyond two that both fall. */
function beyond(a: Trial, b: Trial): number {
  const cubic = lowest(a, b);
  return cubic > b.at ? clamp(cubic, SLOWEST * b.at, FASTEST * b.at) : FASTEST * b.at;
}

/** Minimum of the cubic with the values and slopes of two points (3.59); their middle where there is none. */
function lowest(a: Trial, b: Trial): number {
  const d1 = a.slope + b.slope - (3 * (a.value - b.value)) / (a.at - b.at);
  const d2 = Math.sign(b.at - a.at) * Math.sqrt(d1 * d1 - a.slope * b.slope);
  const at = b.at - (b.at - a.at) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2));
  return Number.isFinite(at) ? at : (a.at + b.at) / 2;
}

const clamp = (x: number, from: number, to: number) => Math.min(Math.max(x, from), to);
