/** Values of parameters as people type them. */
import type { Param } from "../shared/define.ts";

/** A value as it is typed. */
export const shown = (value: unknown): string =>
  Array.isArray(value)
    ? value.join(", ")
    : typeof value === "object" && value !== null
      ? Object.entries(value)
          .map(([name, of]) => `${name}: ${of}`)
          .join(", ")
      : String(value);

/** What was typed, as the parameter has it; what cannot be read stays as it is, and the server says what it wants. */
export function parsed(param: Param, text: string): unknown {
  const number = (word: string) => (word !== "" && Number.isFinite(Number(word)) ? Number(word) : word);
  const words = text.split(",").map((word) => word.trim());
  switch (param.type) {
    case "list":
      return words.map(number);
    case "texts":
      return words;
    case "numberOr":
      return number(text.trim());
    case "mapping":
    case "weights": {
      const pairs = words.map((pair) => pair.split(/[:=]/).map((word) => word.trim()));
      return pairs.every((pair) => pair.length === 2 && pair.every(Boolean))
        ? Object.fromEntries(pairs.map(([key, of]) => [key, number(of!)]))
        : text;
    }
    default:
      return text;
  }
}

/** How far an arrow moves a number: by a tenth of its own size where the scale is logarithmic, or the range small. */
export function stepOf(param: Param, value: unknown): number {
  if (param.type !== "number") return 1;
  const at = Math.abs(Number(value ?? param.default)) || param.max || 1;
  const power = 10 ** Math.floor(Math.log10(at));
  return param.scale === "log" ? power : Math.min(1, param.max !== undefined && param.max <= 1 ? 0.05 : power);
}
