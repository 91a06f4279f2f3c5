/** What a worker could not do, as the server tells it. */
import type { Reason } from "../shared/api/schemas.ts";
import { fail, TrainyardError } from "../shared/errors.ts";

/** @param what for the case that nobody knows why */
export function failure(reason: Reason | undefined, what: string): TrainyardError {
  const { code, message, fix } = reason ?? fail("INTERNAL", { detail: `${what} failed without a reason` });
  return new TrainyardError(code, 500, message, fix, {});
}

export const reasonText = (reason: Reason | undefined): string | undefined => reason && `${reason.message} ${reason.fix}`;
