/**
 * Exactly once: what is created under an Idempotency-Key has an id made of actor, operation and key. Whoever asks
 * again, even after a crash half way, meets the entity itself; there is no record of keys that could be lost or be early.
 */
import { createHash, randomUUID } from "node:crypto";
import { canonical } from "../shared/canonical.ts";
import { fail } from "../shared/errors.ts";
import { type Context, type Current, isDuplicate, type Query } from "./entity.ts";
import { idFor } from "./ids.ts";
import type { Kernel } from "./kernel.ts";

export const digestOf = (value: unknown): string => createHash("sha256").update(canonical(value)).digest("hex");

export interface Asked {
  readonly operation: string;
  readonly context: Context;
  readonly key?: string;
  /** What was asked for: another request under the same key is refused. */
  readonly request: unknown;
}

/**
 * Creates an entity, or finds that it was created before under the same key.
 * @param make creates it under the id, keeping the digest in its state
 * @returns its id @throws IDEMPOTENCY_KEY_REUSED
 */
export async function createOnce<S extends { readonly digest?: string }>(
  { db }: Kernel,
  entity: { find(db: Query, id: string): Promise<Current<S> | undefined> },
  { operation, context, key, request }: Asked,
  make: (id: string, digest: string | undefined) => Promise<void>,
): Promise<string> {
  if (key === undefined) {
    const id = randomUUID();
    await make(id, undefined);
    return id;
  }
  const id = idFor(operation, context.actor, key);
  const digest = digestOf(request);
  const before = await entity.find(db.query, id);
  if (!before) {
    try {
      await make(id, digest);
      return id;
    } catch (error) {
      if (!isDuplicate(error)) throw error; // two at once: the other one made it
    }
  }
  const made = before ?? (await entity.find(db.query, id));
  if (made?.state.digest !== digest) throw fail("IDEMPOTENCY_KEY_REUSED", { key });
  return id;
}
