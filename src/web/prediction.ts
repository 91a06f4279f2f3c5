/** What a model says, in the order in which people read it. */
import type { PredictionView } from "../shared/api/schemas.ts";

export interface Bar {
  readonly label: string;
  readonly value: number;
  /** Of the bar's full length, 0 to 100. */
  readonly percent: number;
}
export interface Ranked {
  /** From the highest. */
  readonly bars: readonly Bar[];
  /** Whether they are shares of one, and no scores of another kind. */
  readonly probabilities: boolean;
}

export function ranked({ outputs = {} }: PredictionView): Ranked {
  const all = Object.entries(outputs).sort(([, a], [, b]) => b - a);
  const sum = all.reduce((total, [, value]) => total + value, 0);
  const probabilities = all.every(([, value]) => value >= 0 && value <= 1 + 1e-6) && Math.abs(sum - 1) < 1e-2;
  const [high, low] = [all[0]?.[1] ?? 1, all.at(-1)?.[1] ?? 0];
  const percentOf = (value: number) => (probabilities ? 100 * value : high > low ? (100 * (value - low)) / (high - low) : 100);
  return { bars: all.map(([label, value]) => ({ label, value, percent: Math.min(100, Math.max(0, percentOf(value))) })), probabilities };
}
