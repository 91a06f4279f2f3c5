/** Cursors of lists that are sorted by time and id: the last one's, so that a page begins where the one before ended, whatever came since. */
import { fail } from "../shared/errors.ts";

export type After = readonly [key: string, id: string];

export const nextCursor = (last: After | undefined): string | null => (last ? Buffer.from(JSON.stringify(last)).toString("base64url") : null);

const time = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/;
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const kinds = {
  /** Sorted by time and id. */
  time: (key: string, id: string) => time.test(key) && !Number.isNaN(Date.parse(key)) && uuid.test(id),
  /** Sorted by a number that is given once. */
  sequence: (key: string, id: string) => /^\d{1,15}$/.test(key) && id === "",
} as const;

/** @throws BAD_PARAMETER unless it is one that such a list gave */
export function readCursor(cursor: string | undefined, kind: keyof typeof kinds): After | undefined {
  if (cursor === undefined) return undefined;
  try {
    const [key, id, ...rest] = JSON.parse(Buffer.from(cursor, "base64url").toString()) as string[];
    if (!rest.length && kinds[kind](String(key), String(id))) return [String(key), String(id)];
  } catch {
    // falls through
  }
  throw fail("BAD_PARAMETER", { where: "query", name: "cursor", want: "the next of an earlier answer", got: JSON.stringify(cursor) });
}
