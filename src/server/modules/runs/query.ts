/** The little language in which runs are found and sorted: `metrics.accuracy>0.9`, `-training.epochs`. Compiled from an allow-list to SQL, values always as parameters. */
import { type RawBuilder, type SqlBool, sql } from "kysely";
import { type Choice, choices, trainingParams } from "../../../catalog/run-settings.ts";
import type { Params } from "../../../shared/define.ts";
import { fail } from "../../../shared/errors.ts";
import { filterParts } from "../../../shared/run-filter.ts";
import { tagPath } from "./params.ts";

/** A quantity of a run: how SQL reaches it. */
export interface Field {
  readonly type: "text" | "number" | "time";
  /** Of a row of `runs`, or of the joined table. */
  readonly value: RawBuilder<unknown>;
  /** Where the quantity lies in a table of its own, and which row it is there. */
  readonly join?: { readonly table: "metric_series" | "run_params"; readonly on: RawBuilder<SqlBool> };
}

const column = (name: string, type: Field["type"]): Field => ({ type, value: sql.ref(`runs.${name}`) });
const columns: Readonly<Record<string, Field>> = {
  number: column("number", "number"),
  name: column("name", "text"),
  state: column("status", "text"),
  task: column("task", "text"),
  dataset: column("dataset", "text"),
  model: column("model", "text"),
  author: column("created_by", "text"),
  createdAt: column("created_at", "time"),
  startedAt: column("started_at", "time"),
  endedAt: column("ended_at", "time"),
};
/** Name, dataset, model, tags and note in one: to look for words in, not to sort by. */
const WORDS = "text";
const known = [
  ...Object.keys(columns),
  WORDS,
  "loss",
  "optimizer",
  "schedule",
  "tags.NAME",
  "training.NAME",
  "model.params.NAME",
  "metrics.NAME",
  "metrics.NAME:min",
  "metrics.NAME:max",
];

const param = (path: string, type: "number" | "text"): Field => ({
  type,
  value: sql.ref(`j.${type}`),
  join: { table: "run_params", on: sql`j.path = ${path}` },
});

const parts = ["loss", "optimizer", "schedule"];

/** Where a setting lies among the parameters of runs; undefined for what is none. */
export function settingPath(name: string): string | undefined {
  if (parts.includes(name)) return `${name}.id`;
  return /^(training|(dataset|model|loss|optimizer|schedule)\.params)\.\w{1,100}$/.test(name) ? name : undefined;
}

/** What people call what lies there: the field of a filter. Undefined where there is none, or a column says it. */
export function settingName(path: string): string | undefined {
  const part = parts.find((one) => path === `${one}.id`);
  return part ?? (settingPath(path) && path);
}

/** @param numeric whether what it is compared with is a number: parameters may be either */
function fieldOf(name: string, numeric: boolean): Field | undefined {
  if (Object.hasOwn(columns, name)) return columns[name];
  if (name === WORDS) return column("words", "text");
  const metric = /^metrics\.([A-Za-z0-9_][\w./-]*?)(?::(last|min|max))?$/.exec(name);
  if (metric)
    return { type: "number", value: sql.ref(`j.${metric[2] ?? "last"}`), join: { table: "metric_series", on: sql`j.series = ${metric[1]}` } };
  const path = settingPath(name);
  if (path) return param(path, numeric && path === name ? "number" : "text");
  const [, quoted, plain] = /^tags\.(?:"(.{1,100})"|(.{1,100}))$/s.exec(name) ?? [];
  const tag = quoted ?? plain;
  return tag === undefined ? undefined : param(tagPath(tag), "text");
}

/** Whether any entry has a parameter of that path which is a number. */
function isNumeric(path: string): boolean {
  const [part, name = "", param = ""] = path.split(".");
  const ofTraining = part === "training";
  const entries: readonly { params: Params }[] = Object.hasOwn(choices, part!) ? choices[part as Choice].entries : [];
  const specs: readonly Params[] = ofTraining ? [trainingParams] : entries.map(({ params }) => params);
  return specs.some((params) => ["number", "integer", "numberOr"].includes(params[ofTraining ? name : param]?.type ?? ""));
}

const operators = { "=": sql`=`, "!=": sql`<>`, "<": sql`<`, "<=": sql`<=`, ">": sql`>`, ">=": sql`>=` } as const;

/** What a filter wants. */
export interface Condition {
  /** Of a row of `runs`. */
  readonly test: RawBuilder<SqlBool>;
  /** Where the quantity lies in a table of its own: the numbers of the runs that meet it, which an index alone can tell. */
  readonly numbers?: RawBuilder<number>;
}

/** @throws BAD_PARAMETER, UNKNOWN_PARAMETER */
export function condition(filter: string): Condition {
  const parts = filterParts(filter);
  if (!parts) {
    throw fail("BAD_PARAMETER", {
      where: "query",
      name: "filter",
      want: "a field, one of = != < <= > >= ~, and a value; or ! and a field",
      got: JSON.stringify(filter),
    });
  }
  const { field: name, operator, value: text } = parts;
  if (operator === "!") return { test: sql`${quantity(alike(name, "filter"))} is null` };
  const number = text === "" ? Number.NaN : Number(text);
  const field = fieldOf(name, Number.isFinite(number) && operator !== "~");
  if (!field) throw fail("UNKNOWN_PARAMETER", { where: "filter", name, known });
  const bad = (want: string) => fail("BAD_PARAMETER", { where: "filter", name, want, got: JSON.stringify(text) });
  let value: RawBuilder<unknown>;
  if (operator === "~") {
    if (field.type !== "text") throw bad(`compared with = != < <= > or >=, as it is a ${field.type}`);
    // Contains, whatever the case; % and _ stand for themselves.
    const pattern = `%${text.replace(/[\\%_]/g, "\\$&")}%`;
    return within(field, sql`${field.value} ${foldsSimply(text) ? sql`collate "C"` : sql``} ilike ${pattern}`);
  }
  if (field.type === "number") {
    if (!Number.isFinite(number)) throw bad("a number");
    value = sql`${number}::float8`;
  } else if (field.type === "time") {
    const time = new Date(text);
    if (Number.isNaN(time.getTime()) || Math.abs(time.getFullYear()) > 9999) throw bad("a time, such as 2026-01-31 or 2026-01-31T12:00:00Z");
    value = sql`${time}::timestamptz`;
  } else value = sql`${text}`;
  return within(field, sql`${field.value} ${operators[operator]} ${value}`);
}

/** Whether upper and lower case of all its letters are those of ASCII, which PostgreSQL compares in a third of the time. */
const foldsSimply = (text: string): boolean => /^[\0-\x7f]*$/.test(text);

function within({ join }: Field, test: RawBuilder<SqlBool>): Condition {
  if (!join) return { test };
  return {
    // Asked of one run after the other: with "exists" it would become a join, whose place rests on a guess of how many meet it.
    test: sql`(select ${test} from ${sql.table(join.table)} j where j.run = runs.id and ${join.on})`,
    numbers: sql`select j.run_number from ${sql.table(join.table)} j where ${join.on} and ${test}`,
  };
}

/** Of a row of `runs`, by itself. */
export const quantity = ({ value, join }: Field): RawBuilder<unknown> =>
  join ? sql`(select ${value} from ${sql.table(join.table)} j where j.run = runs.id and ${join.on})` : value;

export interface Order {
  readonly field: Field;
  readonly descending: boolean;
}

/** @throws UNKNOWN_PARAMETER */
export function order(sort: string | undefined): Order {
  const [, minus, name = ""] = /^(-?)(.*)$/s.exec(sort ?? "-number")!;
  const field = name === WORDS ? undefined : fieldOf(name, isNumeric(name));
  if (!field) throw fail("UNKNOWN_PARAMETER", { where: "sort", name, known });
  return { field, descending: minus === "-" };
}

/**
 * What runs that are alike in it are put together by: a number as it is written.
 * @throws UNKNOWN_PARAMETER
 */
export function alike(name: string, where: string): Field {
  const field = name === WORDS ? undefined : fieldOf(name, false);
  if (!field) throw fail("UNKNOWN_PARAMETER", { where, name, known });
  return field;
}

/** Where a page ended: the sort key, null where there is none, and the run's number. */
export type Position = readonly [key: string | number | null, number: number];

const isoTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

export const encodeCursor = (position: Position): string => Buffer.from(JSON.stringify(position)).toString("base64url");

/** @throws BAD_PARAMETER unless it is one of this order */
export function decodeCursor(cursor: string, { field: { type } }: Order): Position {
  try {
    const [key, number, ...rest] = JSON.parse(Buffer.from(cursor, "base64url").toString()) as unknown[];
    const fits = key === null || (type === "number" ? typeof key === "number" : typeof key === "string" && !key.includes("\0"));
    const isTime = type !== "time" || key === null || (isoTime.test(key as string) && !Number.isNaN(Date.parse(key as string)));
    if (fits && isTime && Number.isSafeInteger(number) && !rest.length) return [key as string | number | null, number as number];
  } catch {
    // falls through
  }
  throw fail("BAD_PARAMETER", { where: "query", name: "cursor", want: "the next of an earlier answer", got: JSON.stringify(cursor) });
}
