/**
 * Ids at the border: every request's are opened and every answer's are sealed, by the schemas that say where there are ids,
 * so that no module knows that they are sealed.
 */
import type { z } from "zod";
import { datasetRef, id, projectRef, recorded, userRef } from "../shared/api/schemas.ts";
import { fail } from "../shared/errors.ts";
import { type Ids, isUuid } from "./ids.ts";

type Change = (value: string, schema: z.ZodType) => string;
type Walk = (value: unknown, change: Change) => unknown;

/** What may be an id or a name, and of what. */
const nouns: ReadonlyMap<unknown, string> = new Map<unknown, string>([
  [datasetRef, "dataset"],
  [projectRef, "project"],
  [userRef, "user"],
]);
const isReference = (schema: unknown): boolean => schema === id || nouns.has(schema);

interface Def {
  readonly type: string;
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  readonly element?: z.ZodType;
  readonly innerType?: z.ZodType;
  readonly valueType?: z.ZodType;
  readonly in?: z.ZodType;
  readonly out?: z.ZodType;
}

const walks = new WeakMap<z.ZodType, Walk | null>();

/** How to reach the ids in what a schema describes; null where there are none. */
function walkOf(schema: z.ZodType): Walk | null {
  const known = walks.get(schema);
  if (known !== undefined) return known;
  walks.set(schema, null); // a schema within itself adds nothing
  const made = make(schema);
  walks.set(schema, made);
  return made;
}

function make(schema: z.ZodType): Walk | null {
  if (isReference(schema)) return (value, change) => (typeof value === "string" ? change(value, schema) : value);
  if (schema === recorded) return recordedIds;
  const def = schema._zod.def as unknown as Def;
  if (def.type === "object") {
    const fields = Object.entries(def.shape!).flatMap(([name, field]) => {
      const walk = walkOf(field);
      return walk ? [[name, walk] as const] : [];
    });
    if (!fields.length) return null;
    return (value, change) => {
      if (typeof value !== "object" || value === null) return value;
      const copy = { ...value } as Record<string, unknown>;
      for (const [name, walk] of fields) if (copy[name] !== undefined) copy[name] = walk(copy[name], change);
      return copy;
    };
  }
  if (def.type === "array") {
    const walk = walkOf(def.element!);
    return walk && ((value, change) => (Array.isArray(value) ? value.map((one) => walk(one, change)) : value));
  }
  if (def.type === "record") {
    const walk = walkOf(def.valueType!);
    return (
      walk &&
      ((value, change) => Object.fromEntries(Object.entries(value as Record<string, unknown>).map(([name, one]) => [name, walk(one, change)])))
    );
  }
  // A preprocessed list is read from its result; whatever else stands around a schema changes nothing about its ids.
  const inner = def.type === "pipe" ? def.out : def.innerType;
  return inner ? walkOf(inner) : null;
}

/** Fields of events and states whose value is the id of something. */
const idFields: ReadonlySet<string> = new Set([
  "id",
  "run",
  "job",
  "experiment",
  "worker",
  "project",
  "subject",
  "user",
  "owner",
  "thing",
  "duplicates",
]);
const recordedIds: Walk = (value, change) => {
  if (Array.isArray(value)) return value.map((one) => recordedIds(one, change));
  if (typeof value !== "object" || value === null || "issuer" in value) return value; // who someone is at a provider
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => {
      if (name === "tags") return [name, one]; // whatever people call theirs
      return [name, idFields.has(name) && isUuid(one) ? change(one, id) : recordedIds(one, change)];
    }),
  );
};

/** An answer as it leaves: its ids sealed. */
export function sealed<T>(ids: Ids, schema: z.ZodType | undefined, value: T): T {
  const walk = schema && walkOf(schema);
  return walk ? (walk(value, (one) => (isUuid(one) ? ids.seal(one) : one)) as T) : value;
}

/**
 * A part of a request as it came: its ids opened. What only may be an id stays as it is where it is none.
 * @param what for the error: "run"
 * @throws NOT_FOUND for what was never an id, so that it does not reach a query
 */
export function opened<T>(ids: Pick<Ids, "open">, schema: z.ZodType | undefined, value: T, what: string): T {
  const walk = schema && walkOf(schema);
  if (!walk) return value;
  return walk(value, (one, by) => {
    const uuid = ids.open(one);
    if (uuid) return uuid;
    if (by === id || isUuid(one)) throw fail("NOT_FOUND", { what: nouns.get(by) ?? what, id: one });
    return one;
  }) as T;
}
