/** Ids as the world sees them: the one place where a row's UUID becomes public and comes back. */
import { createHash } from "node:crypto";
import { fail } from "../shared/errors.ts";

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export const seal = (id: string): string => id;

/**
 * The UUID behind a public id.
 * @param what for the error: "run"
 * @throws NOT_FOUND for what was never an id, so that it does not reach a query
 */
export function open(id: string, what: string): string {
  if (!uuid.test(id)) throw fail("NOT_FOUND", { what, id });
  return id;
}

/** A UUID that is a function of its parts: what is made twice from the same key is the same. Version 8 of RFC 9562. */
export function idFor(...parts: readonly string[]): string {
  const bytes = createHash("sha256").update(JSON.stringify(parts)).digest().subarray(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
