/** Which texts can name an object: none that leads out of a store, whatever it is made of. */
import { posix } from "node:path";
import { describe, expect, test } from "vitest";
import { random } from "../shared/random.ts";
import { isKey, keyPrefix, objectKey } from "./keys.ts";

const refusal = (work: () => unknown) => {
  try {
    return work();
  } catch (error) {
    return (error as { code: string }).code;
  }
};

const hostileKeys = [
  ["nothing", ""],
  ["a slash", "/"],
  ["an absolute path", "/etc/passwd"],
  ["a climb", "../outside"],
  ["a climb in the middle", "a/../../outside"],
  ["a climb at the end", "a/.."],
  ["a climb in backslashes", "a\\..\\outside"],
  ["an escaped climb", "%2e%2e%2foutside"],
  ["a climb escaped twice", "%252e%252e%252foutside"],
  ["two dots within a name", "a..b"],
  ["a part that is a dot", "a/./b"],
  ["a hidden name", ".partial"],
  ["a hidden part", "a/.hidden"],
  ["an option", "-rf"],
  ["an empty part", "a//b"],
  ["a slash at the end", "a/"],
  ["a zero byte", "a\0.txt"],
  ["a new line", "a\nb"],
  ["a new line at the end", "a\n"],
  ["a space", "a b"],
  ["a fragment", "a#b"],
  ["a question mark", "a?versionId=1"],
  ["a semicolon", "a;b"],
  ["a drive", "C:\\windows"],
  ["an address", "s3://other/bucket"],
  ["a letter outside ASCII", "ä"],
  ["a full-width dot", "a/．．/b"],
  ["a lone surrogate", "\ud800"],
  ["too long a part", "a".repeat(201)],
  ["too long a key", `${"a/".repeat(256)}a`],
] as const;

describe("objectKey", () => {
  test("joins what is allowed", () => {
    expect(objectKey("runs", "0a1b", "model-1_final.v2.onnx")).toBe("runs/0a1b/model-1_final.v2.onnx");
    expect(objectKey("a".repeat(200))).toBe("a".repeat(200));
  });

  test.each(hostileKeys)("refuses %s", (_, key) => {
    expect(refusal(() => objectKey(key))).toBe("BAD_KEY");
    expect(refusal(() => objectKey("runs", key))).toBe("BAD_KEY");
    expect(isKey(key)).toBe(false);
  });

  test("refuses what is no text", () => {
    for (const value of [undefined, null, 1, ["a"], { toString: () => "a" }]) expect(refusal(() => objectKey(value as string))).toBe("BAD_KEY");
    expect(refusal(() => objectKey())).toBe("BAD_KEY");
  });

  test("says what is wrong, with the text made visible and short", () => {
    expect(() => objectKey("a\u0000b")).toThrow('"a\\u0000b" cannot be the key of an object: each part between slashes begins with');
    expect(() => objectKey("x".repeat(513))).toThrow(/^"x{76}\.\.\. cannot be the key of an object: it has 513 characters, and 512 are allowed$/);
  });

  test("makes of 20,000 random texts either nothing or a path below its root", () => {
    const { below } = random(1, "keys");
    const alphabet = ["a", "B", "7", ".", ".", "..", "/", "/", "-", "_", "\\", "%2e", "\0", "\n", "~", "é", ":"];
    let accepted = 0;
    for (let round = 0; round < 20_000; round++) {
      const text = Array.from({ length: 1 + below(8) }, () => alphabet[below(alphabet.length)]).join("");
      if (refusal(() => objectKey(text)) === "BAD_KEY") continue;
      accepted++;
      expect(posix.resolve("/store", text)).toBe(`/store/${text}`);
      expect(text).toMatch(/^[a-zA-Z0-9._/-]+$/);
    }
    expect(accepted).toBeGreaterThan(500);
  });
});

test("a prefix is nothing, a key, or the beginning of one", () => {
  for (const prefix of ["", "a", "a/", "a/b", "a/b."]) expect(keyPrefix(prefix)).toBe(prefix);
  for (const prefix of ["/", "a//", "..", "../", "a/../", ".", "a b"]) expect(refusal(() => keyPrefix(prefix))).toBe("BAD_KEY");
});
