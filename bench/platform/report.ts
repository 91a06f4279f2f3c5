/** What the bench of the platform prints: Markdown tables of what was measured, what was wanted, and whether it was met. */
import { cpus } from "node:os";
import { quantile } from "./measure.ts";

export interface Row {
  readonly what: string;
  readonly measured: string;
  /** Without it the row is for information. */
  readonly wanted?: string;
  readonly ok?: boolean;
  /** How it was measured, or what bounds it. */
  readonly note?: string;
}

const missed: string[] = [];
/** What was measured and found wanting, over all tables. */
export const misses: readonly string[] = missed;

export function printTable(title: string, rows: readonly Row[]): void {
  console.log(`\n### ${title}\n\n| | measured | wanted | |\n| --- | --- | --- | --- |`);
  for (const { what, measured, wanted = "", ok, note = "" } of rows) {
    if (ok === false) missed.push(what);
    console.log(`| ${what} | ${measured} | ${wanted}${ok === false ? ": **missed**" : ""} | ${note} |`);
  }
}

/** To whoever waits, not into the report. */
export const progress = (text: string): void => void process.stderr.write(`${text}\n`);

export const integer = (value: number): string => value.toLocaleString("en", { maximumFractionDigits: 0 });
export const ms = (value: number): string => `${value < 10 ? value.toFixed(1) : integer(value)} ms`;
export const seconds = (value: number): string => `${value.toFixed(2)} s`;
export const megabytes = (bytes: number): string => `${integer(bytes / 1e6)} MB`;

/** Half of the requests took no longer than the first, all but a hundredth no longer than the second. */
export const latency = (milliseconds: readonly number[]): string => `${ms(quantile(milliseconds, 0.5))}, ${ms(quantile(milliseconds, 0.99))}`;

/** "server 0.98, PostgreSQL 0.61 of 2 processors" */
export const showShares = (shares: Readonly<Record<string, number>>): string =>
  `${Object.entries(shares)
    .map(([name, share]) => `${name} ${share.toFixed(2)}`)
    .join(", ")} of ${cpus().length} processors`;
