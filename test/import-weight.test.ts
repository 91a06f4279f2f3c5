/** What a process that only knows the catalog, such as the server, does not load: the native libraries of training. */
import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";

const heavy = /onnxruntime|duckdb|vips|sharp/;
/** Shared libraries that a process has loaded after a script. */
const loadedBy = (script: string): string[] => {
  const args = [
    "--conditions=source",
    "--import",
    "tsx",
    "--input-type=module",
    "-e",
    `${script}; console.log(JSON.stringify(process.report.getReport().sharedObjects))`,
  ];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" })).filter((path: string) => heavy.test(path));
};

test.each(["src/catalog/run-settings.ts", "src/worker/config.ts", "src/engine/session.ts"])("%s loads none of them", (file) => {
  expect(loadedBy(`await import("./${file}")`)).toEqual([]);
});

test("loading a table does, so that this test would see it", () => {
  expect(
    loadedBy(`await (await import("./src/data/index.ts")).readRows("data/iris.csv", [{ name: "species", type: "category", required: true }])`),
  ).not.toEqual([]);
});
