/** What the command line writes: results to stdout, progress and errors to stderr, numbers as people read them. */

export const print = (text: string): void => void process.stdout.write(`${text}\n`);
export const printJson = (value: unknown): void => print(JSON.stringify(value));
/** Progress and remarks. */
export const say = (line: string): void => void process.stderr.write(`${line}\n`);

export const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;
export const thousands = (n: number): string => Math.round(n).toLocaleString("en-US");
/** Five digits, as a metric needs; more would hide the rest of a table. */
export const digits = (value: number | null | undefined): string => (typeof value === "number" ? String(Number(value.toPrecision(5))) : "");

/** A name as a shell takes it. */
export const quoted = (name: string): string => (/^[\w@%+=:,./-]+$/.test(name) ? name : `'${name.replaceAll("'", `'\\''`)}'`);

export function bytes(count: number): string {
  const power = count < 1000 ? 0 : Math.min(4, Math.floor(Math.log10(count) / 3));
  return `${power ? (count / 1000 ** power).toFixed(1) : count} ${["B", "kB", "MB", "GB", "TB"][power]}`;
}

export function duration(seconds: number): string {
  const s = Math.round(seconds);
  const two = (n: number) => String(n).padStart(2, "0");
  return s < 3600 ? `${Math.floor(s / 60)}:${two(s % 60)}` : `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
}

/** 2026-01-31 12:00:00, in the time zone of whoever reads it. */
export const when = (time: string | undefined): string => (time ? new Date(time).toLocaleString("sv-SE") : "");
