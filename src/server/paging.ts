/** Cursors of lists that are sorted by time and id: the last one's, so that a page begins where the one before ended, whatever came since. */
import { fail } from "../shared/errors.ts";

export type After = readonly [key: string, id: string];

export const nextCursor = (last: After | undefined): string | null => (last ? Buffer.from(JSON.stringify(last)).toString("base64url") : null);

const time = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/;
const integer = /^\d{1,18}$/;
const uuid = /^[0-9a-f-]{36}$/;

/** @throws BAD_PARAMETER */
export function readCursor(cursor: string | undefined): After | undefined {
  if (cursor === undefined) return undefined;
  try {
    const [key, id, ...rest] = JSON.parse(Buffer.from(cursor, "base64url").toString()) as string[];
    const fine = !rest.length && (time.test(key!) ? !Number.isNaN(Date.parse(key!)) && uuid.test(id!) : integer.test(key!) && id === "");
    if (fine) return [key!, id!];
  } catch {
    // falls through
  }
  throw fail("BAD_PARAMETER", { where: "query", name: "cursor", want: "the next of an earlier answer", got: JSON.stringify(cursor) });
}
