/** The one place where keys of objects are made and checked: nothing else may become a name in a store. */
import { fail, show } from "../shared/errors.ts";

const segment = /^[a-zA-Z0-9][a-zA-Z0-9._-]*$/;
const rule = "each part between slashes begins with a letter or digit and goes on with letters, digits, dots, hyphens and underscores";

/** Bytes. S3 allows 1,024 for the prefix of a store and the key together; file systems 255 for a part, with what they add to it. */
const longest = { key: 512, segment: 200 };

/**
 * Joins parts to a key. Whatever the parts are, the result names something below the root of its store.
 * @example objectKey("runs", run.id, "model.onnx")
 * @throws BAD_KEY
 */
export function objectKey(...parts: readonly string[]): string {
  const refuse = (problem: string) => fail("BAD_KEY", { key: show(parts.length === 1 ? parts[0] : parts), problem });
  if (parts.some((part) => typeof part !== "string")) throw refuse("it is no text");
  const key = parts.join("/");
  if (key.length > longest.key) throw refuse(`it has ${key.length} characters, and ${longest.key} are allowed`);
  for (const name of key.split("/")) {
    if (!segment.test(name)) throw refuse(rule);
    if (name.includes("..")) throw refuse("two dots never follow each other");
    if (name.length > longest.segment) throw refuse(`a part has ${name.length} characters, and ${longest.segment} are allowed`);
  }
  return key;
}

/** What keys may begin with: nothing, a key, or the beginning of one. @throws BAD_KEY */
export function keyPrefix(text: string): string {
  if (text !== "") objectKey(`${text}${text.endsWith("/") ? "x" : ""}`);
  return text;
}

/** Whether a name found in a store is one that could have been given to it. */
export function isKey(text: string): boolean {
  try {
    return objectKey(text) === text;
  } catch {
    return false;
  }
}
