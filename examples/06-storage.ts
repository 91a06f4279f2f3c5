/** The storage library alone: an object store of files, with the same calls as one of S3 (`url: "s3://bucket/prefix"`). */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore } from "trainyard/storage";

const directory = mkdtempSync(join(tmpdir(), "trainyard-storage-"));
const store = await openStore({ directory });
const text = new TextEncoder().encode("whole or not at all");
await store.put("notes/first", text);

// Of two writers that must not replace each other one wins.
const refused = await store.put("notes/first", text, { ifAbsent: true }).then(
  () => "replaced",
  ({ code }) => code,
);
const { size, body } = await store.get("notes/first", { start: 6, end: 7 });
const part = Buffer.concat(await body.toArray()).toString();
const keys: string[] = [];
for await (const { key } of store.list("notes/")) keys.push(key);
await store.close();
rmSync(directory, { recursive: true });

console.log({ refused, size, part, keys });
if (refused !== "OBJECT_EXISTS" || size !== text.length || part !== "or" || keys.join() !== "notes/first")
  throw new Error("storage did not do as it says");
