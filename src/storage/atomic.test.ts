/** Files that are whole or absent, on a disk that is full too. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { writeAtomically } from "./atomic.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "trainyard-"));
  path = join(folder, "file.txt");
});
afterEach(() => rmSync(folder, { recursive: true }));

const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => "accepted",
    ({ code, message, fix }) => [code, message, fix],
  );
const fix = "Free some space or choose another folder. What was in its place before is unharmed.";

test("the parts are written one after the other, over what was there before, and nothing else is left", async () => {
  writeFileSync(path, "a much longer text than the new one");
  await writeAtomically(path, ["ab", Uint8Array.of(99), new Uint8Array(0), "d"]);
  expect(readFileSync(path, "utf8")).toBe("abcd");
  expect(readdirSync(folder)).toEqual(["file.txt"]);
});

test("what a crash left half-written is overwritten", async () => {
  writeFileSync(`${path}.partial`, "half of something that was longer");
  await writeAtomically(path, ["whole"]);
  expect(readFileSync(path, "utf8")).toBe("whole");
  expect(readdirSync(folder)).toEqual(["file.txt"]);
});

const full = "/dev/full"; // every write to it fails as on a full disk
test.skipIf(!existsSync(full))(`a full disk leaves the file as it was and says so (needs ${full})`, async () => {
  writeFileSync(path, "precious");
  symlinkSync(full, `${path}.partial`);
  expect(await refusal(writeAtomically(path, ["new"]))).toEqual([
    "WRITE_FAILED",
    `could not write ${path}: ENOSPC: no space left on device, write`,
    fix,
  ]);
  expect(readFileSync(path, "utf8")).toBe("precious");
  expect(readdirSync(folder)).toEqual(["file.txt"]);
});

test("a folder that is not there is an error", async () => {
  const inside = join(folder, "missing", "file.txt");
  expect(await refusal(writeAtomically(inside, ["x"]))).toEqual([
    "WRITE_FAILED",
    `could not write ${inside}: ENOENT: no such file or directory, open '${inside}.partial'`,
    fix,
  ]);
});

test("a folder in the place of the file is an error, and stays", async () => {
  mkdirSync(join(path, "inner"), { recursive: true });
  expect(await refusal(writeAtomically(path, ["x"]))).toMatchObject(["WRITE_FAILED", expect.stringContaining(`could not write ${path}: E`), fix]);
  expect(readdirSync(folder)).toEqual(["file.txt"]);
  expect(readdirSync(path)).toEqual(["inner"]);
});
