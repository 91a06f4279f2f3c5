/** Places in the table of thresholds of an evaluation. */
import type { Threshold } from "../shared/evaluation.ts";

/** The place whose threshold is nearest. */
export const nearest = (thresholds: readonly Pick<Threshold, "threshold">[], wanted: number): number =>
  thresholds.reduce((best, { threshold }, i) => (Math.abs(threshold - wanted) < Math.abs(thresholds[best]!.threshold - wanted) ? i : best), 0);
