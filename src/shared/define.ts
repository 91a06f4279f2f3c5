/**
 * Parameter specs: how a catalog entry declares what can be chosen. From one declaration come the
 * TypeScript types of the entry's code, validation, CLI flags, `docs/catalog.md` and the saved settings.
 */
import { fail, show, type TrainyardError } from "./errors.ts";

interface Help {
  readonly help: string;
}
export interface NumberParam extends Help {
  readonly type: "number";
  readonly default: number;
  readonly min?: number;
  readonly max?: number;
  /** How a form steps through the range. */
  readonly scale?: "linear" | "log";
}
export interface IntegerParam extends Help {
  readonly type: "integer";
  readonly default: number;
  readonly min?: number;
  readonly max?: number;
}
export interface BooleanParam extends Help {
  readonly type: "boolean";
  readonly default: boolean;
}
export interface ChoiceParam<O extends string = string> extends Help {
  readonly type: "choice";
  readonly default: O;
  readonly options: readonly O[];
}
/** Free text, such as the name of a column. */
export interface TextParam extends Help {
  readonly type: "text";
  readonly default: string;
}
/** A list of texts, such as names of columns. */
export interface TextsParam extends Help {
  readonly type: "texts";
  readonly default: readonly string[];
}
/** One of `options` for each of some names: how columns are to be read. */
export interface MappingParam<O extends string = string> extends Help {
  readonly type: "mapping";
  readonly default: Readonly<Record<string, O>>;
  readonly options: readonly O[];
}
/** A list of numbers of any length, or of exactly `length`. */
export interface ListParam extends Help {
  readonly type: "list";
  readonly of: "integer" | "number";
  readonly default: readonly number[];
  readonly min?: number;
  readonly max?: number;
  readonly length?: number;
}
/** A number, or one of some words that stand for one. */
export interface NumberOrParam<O extends string = string> extends Help {
  readonly type: "numberOr";
  readonly default: number | O;
  readonly options: readonly O[];
  readonly of: "integer" | "number";
  readonly min?: number;
  readonly max?: number;
}
/** How much each class counts: "none" (all alike), "balanced" (each class as much as any other), or a number for some classes by name, 1 for the others. */
export interface WeightsParam extends Help {
  readonly type: "weights";
  readonly default: "none" | "balanced";
}
export type ClassWeights = "none" | "balanced" | Readonly<Record<string, number>>;
export type Param =
  | NumberParam
  | IntegerParam
  | BooleanParam
  | ChoiceParam
  | TextParam
  | TextsParam
  | MappingParam
  | ListParam
  | NumberOrParam
  | WeightsParam;
export type Params = Readonly<Record<string, Param>>;

export const number = (spec: Omit<NumberParam, "type">): NumberParam => ({ type: "number", ...spec });
export const integer = (spec: Omit<IntegerParam, "type">): IntegerParam => ({ type: "integer", ...spec });
export const boolean = (spec: Omit<BooleanParam, "type">): BooleanParam => ({ type: "boolean", ...spec });
export const choice = <const O extends string>(spec: Omit<ChoiceParam<O>, "type">): ChoiceParam<O> => ({ type: "choice", ...spec });
export const text = (spec: Omit<TextParam, "type">): TextParam => ({ type: "text", ...spec });
export const texts = (spec: Omit<TextsParam, "type">): TextsParam => ({ type: "texts", ...spec });
export const mapping = <const O extends string>(spec: Omit<MappingParam<O>, "type">): MappingParam<O> => ({ type: "mapping", ...spec });
export const integers = (spec: Omit<ListParam, "type" | "of">): ListParam => ({ type: "list", of: "integer", ...spec });
export const numbers = (spec: Omit<ListParam, "type" | "of">): ListParam => ({ type: "list", of: "number", ...spec });
export const numberOr = <const O extends string>(spec: Omit<NumberOrParam<O>, "type">): NumberOrParam<O> => ({ type: "numberOr", ...spec });
export const classWeights = (spec: Omit<WeightsParam, "type">): WeightsParam => ({ type: "weights", ...spec });

/** The TypeScript type of a parameter's value. */
export type ValueOf<P extends Param> = P extends BooleanParam
  ? boolean
  : P extends WeightsParam
    ? ClassWeights
    : P extends NumberOrParam<infer O>
      ? number | O
      : P extends ChoiceParam<infer O>
        ? O
        : P extends TextParam
          ? string
          : P extends TextsParam
            ? readonly string[]
            : P extends MappingParam<infer O>
              ? Readonly<Record<string, O>>
              : P extends ListParam
                ? readonly number[]
                : number;
export type ValuesOf<P extends Params> = { readonly [K in keyof P]: ValueOf<P[K]> };
export type ParamValue =
  | number
  | boolean
  | string
  | readonly number[]
  | readonly string[]
  | Readonly<Record<string, string>>
  | Readonly<Record<string, number>>;
export type ParamValues = Readonly<Record<string, ParamValue>>;

/** What every catalog entry says about itself, whatever its kind. */
export interface Head<P extends Params = Params> {
  /** Name in the API, CLI and files: kebab-case, never changed once released. */
  readonly id: string;
  readonly title: string;
  readonly summary: string;
  /** Where the formula or the idea comes from. */
  readonly reference?: string;
  readonly params: P;
}

/** What a parameter accepts, in words: "a number from 0 to 1". Used by errors, flags and docs alike. */
export function wanted(param: Param): string {
  switch (param.type) {
    case "boolean":
      return "true or false";
    case "choice":
      return `one of ${param.options.join(", ")}`;
    case "text":
      return "text";
    case "texts":
      return "a list of texts";
    case "mapping":
      return `a name=value list whose values are ${param.options.join(", ")}`;
    case "numberOr":
      return `${param.of === "integer" ? "an integer" : "a number"}${range(param)}, or ${param.options.join(" or ")}`;
    case "weights":
      return "none, balanced, or a class=weight list with weights of at least 0";
    case "list":
      return `a list of ${param.length === undefined ? "" : `${param.length} `}${param.of}s${range(param)}`;
    default:
      return `${param.type === "integer" ? "an integer" : "a number"}${range(param)}`;
  }
}

const range = ({ min, max }: { min?: number; max?: number }): string =>
  min !== undefined && max !== undefined
    ? ` from ${min} to ${max}`
    : min !== undefined
      ? ` of at least ${min}`
      : max !== undefined
        ? ` of at most ${max}`
        : "";

function accepts(param: Param, value: unknown): boolean {
  const inRange = (v: unknown, kind: string, { min, max }: { min?: number; max?: number }) =>
    typeof v === "number" && Number.isFinite(v) && (kind === "number" || Number.isInteger(v)) && v >= (min ?? v) && v <= (max ?? v);
  switch (param.type) {
    case "boolean":
      return typeof value === "boolean";
    case "choice":
      return param.options.includes(value as string);
    case "text":
      return typeof value === "string";
    case "texts":
      return Array.isArray(value) && value.every((v) => typeof v === "string");
    case "mapping":
      return typeof value === "object" && value !== null && !Array.isArray(value) && Object.values(value).every((v) => param.options.includes(v));
    case "numberOr":
      return param.options.includes(value as string) || inRange(value, param.of, param);
    case "weights":
      return (
        value === "none" ||
        value === "balanced" ||
        (typeof value === "object" && value !== null && !Array.isArray(value) && Object.values(value).every((v) => inRange(v, "number", { min: 0 })))
      );
    case "list":
      return Array.isArray(value) && (param.length === undefined || value.length === param.length) && value.every((v) => inRange(v, param.of, param));
    default:
      return inRange(value, param.type, param);
  }
}

/**
 * Fills in defaults and checks types and ranges. `where` names the entry in errors: `optimizer "adam"`.
 * Every problem is collected, so that a form can show all of them at once.
 */
export function checkParams(
  where: string,
  params: Params,
  given: Readonly<Record<string, unknown>> = {},
): { values: ParamValues; problems: TrainyardError[] } {
  const problems: TrainyardError[] = [];
  const known = Object.keys(params);
  for (const name of Object.keys(given)) if (!known.includes(name)) problems.push(fail("UNKNOWN_PARAMETER", { where, name, known }));
  const values: Record<string, ParamValue> = {};
  for (const [name, param] of Object.entries(params)) {
    const value = given[name] ?? param.default;
    if (accepts(param, value)) values[name] = value as ParamValue;
    else problems.push(fail("BAD_PARAMETER", { where, name, want: wanted(param), got: show(value) }));
  }
  return { values, problems };
}

/** `checkParams`, for where one problem is enough: throws the first. */
export function resolveParams<P extends Params>(where: string, params: P, given?: Readonly<Record<string, unknown>>): ValuesOf<P> {
  const { values, problems } = checkParams(where, params, given);
  if (problems[0]) throw problems[0];
  return values as ValuesOf<P>;
}

/** Reads a parameter from text, as a command line or a form gives it. Bad text comes back as it is, for `checkParams` to refuse. */
export function parseParam(param: Param, text: string): unknown {
  const toNumber = (t: string): number | string => (t.trim() === "" || Number.isNaN(Number(t)) ? t : Number(t));
  switch (param.type) {
    case "boolean":
      return text === "true" ? true : text === "false" ? false : text;
    case "choice":
    case "text":
      return text;
    case "texts":
      return text === "" ? [] : (fromJson(text, "[") ?? text.split(","));
    case "mapping":
      return text === "" ? {} : (fromJson(text, "{") ?? pairsIn(text));
    case "weights": {
      if (text === "none" || text === "balanced") return text;
      const given = fromJson(text, "{") ?? pairsIn(text);
      if (typeof given !== "object" || given === null) return text;
      return Object.fromEntries(Object.entries(given).map(([name, weight]) => [name, typeof weight === "string" ? toNumber(weight) : weight]));
    }
    case "list":
      return text === "" ? [] : text.split(",").map(toNumber);
    default:
      return toNumber(text);
  }
}

/** Text that is JSON, which names with commas need; undefined when it is none. */
function fromJson(text: string, opening: "[" | "{"): unknown {
  if (!text.trimStart().startsWith(opening)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** "age=number,zip=category"; a pair without "=" comes back as it is. */
function pairsIn(text: string): unknown {
  const pairs = text.split(",").map((pair) => [pair.slice(0, pair.lastIndexOf("=")), pair.slice(pair.lastIndexOf("=") + 1)]);
  return pairs.some(([name]) => !name) ? text : Object.fromEntries(pairs);
}
