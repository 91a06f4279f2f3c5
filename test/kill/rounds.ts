/**
 * How often each kill test kills, and from which seed its random moments come.
 *
 *     TRAINYARD_KILL_ROUNDS=500 TRAINYARD_KILL_SEED=7 npx vitest run test/kill
 */
import { randomInt } from "node:crypto";

// A round takes some five seconds of both cores: CI has time for more of them than whoever only runs `npm test`.
const usual = process.env.CI === "true" ? "25" : "15";
const { TRAINYARD_KILL_ROUNDS: all = usual, TRAINYARD_KILL_SEED: given } = process.env;

/** What repeats a failure, as far as the moments go. */
export const seed: string = given ?? String(randomInt(1e6));

/** @param share of one round in 50 */
export const rounds = (share: number): number[] => Array.from({ length: Math.max(1, Math.round((share * Number(all)) / 50)) }, (_, i) => i);

/** For a test of so many rounds, on a machine that has much else to do. */
export const timeout = (count: number): number => 180_000 + 30_000 * count;
