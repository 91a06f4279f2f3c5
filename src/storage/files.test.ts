/** What is particular to objects in a folder: links, names of other origin, folders that come and go, a disk that refuses. */
import { execFile } from "node:child_process";
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FileStore } from "./files.ts";

let folder: string;
let root: string;
let outside: string;
let store: FileStore;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "trainyard-"));
  [root, outside] = [join(folder, "root"), join(folder, "outside")];
  mkdirSync(outside);
  writeFileSync(join(outside, "secret"), "not ours");
  store = await FileStore.open(root);
});
afterEach(() => rmSync(folder, { recursive: true }));

const bytes = (content: string) => Buffer.from(content);
const code = (promise: Promise<unknown>) =>
  promise.then(
    () => "done",
    (error) => error.code,
  );
const read = async (key: string) => text((await store.get(key)).body);
async function keys(prefix = ""): Promise<string[]> {
  const all: string[] = [];
  for await (const { key } of store.list(prefix)) all.push(key);
  return all;
}

test("an object is a file under its key, in a folder for this user alone", async () => {
  await store.put("runs/7/model.onnx", bytes("weights"));
  expect(readFileSync(join(root, "runs/7/model.onnx"), "utf8")).toBe("weights");
  expect(lstatSync(root).mode & 0o077).toBe(0);
});

test("a store that is opened again has what was put", async () => {
  await store.put("a/b", bytes("x"));
  store = await FileStore.open(root);
  expect([await keys(), await read("a/b")]).toEqual([["a/b"], "x"]);
});

describe("links", () => {
  beforeEach(async () => {
    await store.put("real/file", bytes("ours"));
    symlinkSync(outside, join(root, "folder"));
    symlinkSync(join(outside, "secret"), join(root, "real/link"));
  });

  test("are not read, listed or deleted through", async () => {
    for (const key of ["folder/secret", "real/link"]) {
      expect(await store.head(key)).toBeUndefined();
      expect(await code(store.get(key))).toBe("OBJECT_NOT_FOUND");
      expect(await code(store.copy(key, "copy"))).toBe("OBJECT_NOT_FOUND");
      await store.delete(key);
    }
    expect(await keys()).toEqual(["real/file"]);
    expect(readdirSync(outside)).toEqual(["secret"]);
  });

  test("to a folder are not written through", async () => {
    for (const key of ["folder/new", "folder/deeper/new", "folder/secret"]) {
      expect(await code(store.put(key, bytes("x")))).toBe("BAD_KEY");
      expect(await code(store.put(key, bytes("x"), { ifAbsent: true }))).toBe("BAD_KEY");
      expect(await code(store.copy("real/file", key))).toBe("BAD_KEY");
    }
    expect(readdirSync(outside)).toEqual(["secret"]);
    expect(readFileSync(join(outside, "secret"), "utf8")).toBe("not ours");
  });

  test("in the place of an object are replaced, not written through", async () => {
    expect(await code(store.put("real/link", bytes("x"), { ifAbsent: true }))).toBe("OBJECT_EXISTS");
    await store.put("real/link", bytes("ours"));
    expect(readFileSync(join(outside, "secret"), "utf8")).toBe("not ours");
    expect(await read("real/link")).toBe("ours");
  });

  test("in the place of the folder for unfinished files keep the store from opening", async () => {
    renameSync(join(root, ".partial"), join(folder, "moved"));
    symlinkSync(outside, join(root, ".partial"));
    expect(await code(FileStore.open(root))).toBe("BAD_KEY");
  });

  test("may lead to the root itself", async () => {
    symlinkSync(root, join(folder, "way"));
    const other = await FileStore.open(join(folder, "way"));
    await other.put("b", bytes("x"));
    expect(await read("b")).toBe("x");
  });
});

test("names that are no keys are neither listed nor counted as objects", async () => {
  await store.put("a/b", bytes("x"));
  for (const name of [".DS_Store", "a b", "#a#", "-a"]) writeFileSync(join(root, "a", name), "");
  mkdirSync(join(root, "lost+found"));
  writeFileSync(join(root, "lost+found", "a"), "");
  expect(await keys()).toEqual(["a/b"]);
});

test("a key is an object or leads to others, never both, and says so", async () => {
  await store.put("a/b", bytes("x"));
  await expect(store.put("a/b/c", bytes("y"))).rejects.toThrow('"a/b/" cannot be the key of an object: "b" is there, and is no folder');
  await expect(store.put("a", bytes("y"))).rejects.toThrow('"a" cannot be the key of an object: other keys go on from it');
  expect(await code(store.put("a", bytes("y"), { ifAbsent: true }))).toBe("OBJECT_EXISTS");
  expect(await store.head("a")).toBeUndefined();
  expect(await code(store.get("a"))).toBe("OBJECT_NOT_FOUND");
  await store.delete("a");
  expect([await keys(), await read("a/b")]).toEqual([["a/b"], "x"]);
});

test("a reader keeps what it opened while the object is replaced and deleted", async () => {
  await store.put("a", bytes("old"));
  const { size, body } = await store.get("a");
  await store.put("a", bytes("newer"));
  await store.delete("a");
  expect([size, await text(body)]).toEqual([3, "old"]);
});

test("a folder goes with its last object", async () => {
  await store.put("a/b/c", bytes("x"));
  await store.put("a/d", bytes("x"));
  await store.delete("a/b/c");
  expect(readdirSync(join(root, "a"))).toEqual(["d"]);
  await store.delete("a/d");
  expect(readdirSync(root)).toEqual([".partial"]);
});

test("puts and deletes that share a folder do not disturb each other", async () => {
  const work = async (name: string) => {
    for (let round = 0; round < 60; round++) {
      await store.put(`shared/deep/${name}`, bytes(name), { ifAbsent: round % 2 === 0 });
      expect(await store.head(`shared/deep/${name}`)).toMatchObject({ size: 1 });
      await store.delete(`shared/deep/${name}`);
    }
  };
  await Promise.all(["a", "b", "c", "d", "e", "f"].map(work));
  expect(readdirSync(root)).toEqual([".partial"]);
});

test("what the disk refuses is said with the path, and what was there stays", async () => {
  await store.put("a/b", bytes("precious"));
  renameSync(join(root, ".partial"), join(folder, "moved"));
  await expect(store.put("a/b", bytes("new"))).rejects.toMatchObject({
    code: "WRITE_FAILED",
    message: expect.stringContaining(`could not write ${join(root, "a/b")}: ENOENT`),
    fix: "Free some space or choose another folder. What was in its place before is unharmed.",
  });
  await expect(store.check()).rejects.toMatchObject({ code: "STORE_UNAVAILABLE", message: expect.stringContaining(`(files in ${root})`) });
  expect(await read("a/b")).toBe("precious");
});

test("a disk that is full half way leaves what was there and nothing else", async () => {
  await store.put("a", bytes("precious"));
  const script = `
    const { FileStore } = await import(${JSON.stringify(pathToFileURL(resolve("src/storage/files.ts")).href)});
    const store = await FileStore.open(process.argv[1]);
    const error = await store.put("a", Buffer.alloc(4 * 2 ** 20)).catch((error) => error);
    console.log(JSON.stringify([error.code, error.message]));`;
  const node = [process.execPath, "--conditions=source", "--import", "tsx", "--input-type=module", "-e", script, root];
  // No file may become larger than 1,024 kB; a disk of that size would take a privilege to make.
  const { stdout } = await promisify(execFile)("bash", ["-c", 'ulimit -f 1024; exec "$@"', "bash", ...node]);
  expect(JSON.parse(stdout)).toEqual(["WRITE_FAILED", `could not write ${join(root, "a")}: EFBIG: file too large, write`]);
  expect(await read("a")).toBe("precious");
  expect(await store.sweep(0)).toBe(0);
});

test("a folder that cannot be made is an error", async () => {
  writeFileSync(join(folder, "file"), "");
  await expect(FileStore.open(join(folder, "file"))).rejects.toMatchObject({ code: "WRITE_FAILED" });
  await expect(FileStore.open(join(folder, "file", "root"))).rejects.toMatchObject({ code: "WRITE_FAILED" });
});

test("sweeping removes unfinished files of any kind once they are old, and follows no link", async () => {
  writeFileSync(join(root, ".partial", "killed"), "half of it");
  symlinkSync(outside, join(root, ".partial", "link"));
  expect(await store.sweep(60_000)).toBe(0);
  await new Promise((done) => setTimeout(done, 20)); // clocks of files are coarser than others
  expect(await store.sweep(0)).toBe(2);
  expect(readdirSync(join(root, ".partial"))).toEqual([]);
  expect(readdirSync(outside)).toEqual(["secret"]);
});
