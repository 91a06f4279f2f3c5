/** Who is meant where someone is named: for this module, and for those who are told of people. */
import { fail } from "../../../shared/errors.ts";
import type { Query } from "../../entity.ts";
import { isUuid } from "../../ids.ts";
import type { UserState } from "./user.ts";

/** @param ref a name, or an id @throws NOT_FOUND */
export async function userOf(db: Query, ref: string): Promise<UserState> {
  const row = await db
    .selectFrom("users")
    .select("state")
    .where(isUuid(ref) ? "id" : "name", "=", ref)
    .executeTakeFirst();
  if (!row) throw fail("NOT_FOUND", { what: "user", id: ref });
  return row.state as unknown as UserState;
}
