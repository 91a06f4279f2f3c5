/** Numbers as people read them, and text from outside made safe for the format that it goes into. */

const MINUS = "−";
const signed = (text: string): string => text.replace(/^-/, MINUS).replace("e-", `e${MINUS}`).replace("e+", "e");

/** About four digits that matter; a dash for what is not known. */
export function number(value: number | null | undefined): string {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : `${MINUS}∞`;
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e9)) return signed(value.toExponential(2));
  if (size >= 1000) return signed(value.toLocaleString("en-US", { maximumFractionDigits: size < 10_000 ? 1 : 0 }));
  return signed(value.toFixed(size < 10 ? 4 : size < 100 ? 3 : 2));
}

/** With its sign. */
export const difference = (value: number): string => (value > 0 ? `+${number(value)}` : number(value));
export const whole = (value: number): string => value.toLocaleString("en-US");
export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
export const rows = (count: number): string => (count === 1 ? "1 row" : `${whole(count)} rows`);

/** A value of a table's cell, exact to seven digits: float32 has no more. */
export const cellValue = (value: string | number | null | undefined): string =>
  typeof value === "number" ? signed(String(Number(value.toPrecision(7)))) : (value ?? "–");

/** Names that one reads, the first few of them. */
export function listed(names: readonly string[], most = 5): string {
  const shown = names.slice(0, most).map(quoted);
  const rest = names.length - shown.length;
  if (rest > 0) return `${shown.join(", ")} and ${rest} more`;
  return shown.length < 2 ? (shown[0] ?? "") : `${shown.slice(0, -1).join(", ")} and ${shown.at(-1)}`;
}
export const quoted = (name: string): string => `“${name}”`;

/** What a reader can't see, but what changes what is seen: control characters, marks of direction, halves of surrogate pairs. */
const UNSEEN = /[\p{Cc}\p{Surrogate}\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff]/gu;

/** One line of text, with each character to be seen: white space is a space, what is unseen is named by its code point. */
export const plain = (text: string): string =>
  text
    .replace(/\s+/g, (space) => (/^[\u2028\u2029\ufeff]+$/.test(space) ? space : " "))
    .replace(UNSEEN, (mark) => `[U+${mark.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}]`)
    .trim();

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** Safe as text and in quoted attributes. */
export const html = (text: string): string => plain(text).replace(/[&<>"']/g, (mark) => ENTITIES[mark]!);

/** Safe in a line and in a table's cell of GitHub's Markdown: no mark-up, no HTML, no formula. */
export const markdown = (text: string): string =>
  plain(text)
    .replace(/[&<>]/g, (mark) => ENTITIES[mark]!)
    .replace(/[\\`*_{}[\]#|~!$]/g, "\\$&")
    .replace(/^(?:[-=]|\+(?=\s|$))/, "\\$&")
    .replace(/^(\d+)([.)])(?=\s|$)/, "$1\\$2");

/** The picture, if it can be nothing else. */
export const safePicture = (uri: string | undefined): string | undefined =>
  uri !== undefined && /^data:image\/png;base64,[A-Za-z0-9+/=]+$/.test(uri) ? uri : undefined;
