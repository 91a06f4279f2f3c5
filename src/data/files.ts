/** Opening files: the bytes, or an error that says what is wrong with the path. */
import { readFile } from "node:fs/promises";
import { fail, type TrainyardError } from "../shared/errors.ts";

/** `what` and `fix` speak in FILE_NOT_FOUND: "picture not found: a.png". */
export async function readBytes(path: string, what: string, fix: string): Promise<Buffer> {
  return readFile(path).catch((cause) => {
    throw openError(path, what, fix, cause);
  });
}

/** The error of a file that the operating system would not open. */
export function openError(path: string, what: string, fix: string, cause: NodeJS.ErrnoException): TrainyardError {
  if (cause.code === "ENOENT" || cause.code === "ENOTDIR") return fail("FILE_NOT_FOUND", { path, what, fix }, cause);
  const got = cause.code === "EISDIR" ? "is a folder" : `opening it gave ${cause.code ?? cause.message}`;
  return fail("BAD_FILE", { path, want: "a readable file", got, fix: "Give the path of a file that you may read." }, cause);
}
