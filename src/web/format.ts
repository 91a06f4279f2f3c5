/** Numbers, times and sizes as people read them. */
const figures = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });
const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const moments = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short" });

export const figure = (value: number | null | undefined): string =>
  value === null || value === undefined || !Number.isFinite(value)
    ? "–"
    : Math.abs(value) > 0 && (Math.abs(value) < 1e-4 || Math.abs(value) >= 1e7)
      ? value.toExponential(2)
      : figures.format(value);
const short = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });

/** 61,017,600: 61M */
export const compact = (value: number): string => short.format(value);
export const count = (value: number): string => whole.format(value);
const instants = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "medium" });
export const instant = (iso: string): string => instants.format(new Date(iso));
const clocks = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });
/** Of a day. */
export const clock = (iso: string): string => clocks.format(new Date(iso));
export const moment = (iso: string): string => moments.format(new Date(iso));
const days = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeZone: "UTC" });
/** @param seconds since 1970 UTC */
export const day = (seconds: number | null | undefined): string =>
  seconds === null || seconds === undefined || !Number.isFinite(seconds) ? "–" : days.format(new Date(1000 * seconds));
/** @param seconds to come */
export function span(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  if (seconds < 3600) return `${Math.ceil(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`;
}
export function size(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), units.length - 1);
  return `${figure(bytes / 1000 ** power)} ${units[power]}`;
}
/** test_accuracy: Test accuracy */
export const titleOf = (id: string): string => {
  const words = id.replaceAll(/[_-]/g, " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
};
/** learningRate: Learning rate */
export const titled = (name: string): string => titleOf(name.replaceAll(/(?<=[a-z\d])(?=[A-Z])/g, " ").toLowerCase());
/** A name from outside: what cannot be seen, or would turn what is beside it around, is named by its number. */
export const visible = (text: string): string =>
  text.replace(
    /[\p{Cc}\p{Surrogate}\p{Bidi_Control}\u2028\u2029]/gu,
    (sign) => `\u27e8U+${sign.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}\u27e9`,
  );
