/** Holds the import arrows of docs/architecture.md and the files that own an outside thing. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, sep } from "node:path";
import { expect, test } from "vitest";

/** Bottom up: a folder may import from itself and from any row above it here, never from its own row or a row below. */
const order = [
  ["shared"],
  ["engine"],
  ["data", "storage"],
  ["evaluation", "explain", "learners"],
  ["catalog"],
  ["worker", "server", "executors"],
  ["cli", "web"],
];
const level = (folder: string) => order.findIndex((row) => row.includes(folder));
const folderOf = (path: string) => path.split("/")[1] ?? "";

const unix = (path: string) => normalize(path).split(sep).join("/");
const files = readdirSync("src", { recursive: true, encoding: "utf8" })
  .filter((file) => /\.tsx?$/.test(file))
  .map((file) => ({ path: unix(join("src", file)), text: readFileSync(join("src", file), "utf8") }));
const imports = files.flatMap(({ path, text }) =>
  [...text.matchAll(/^(?!\s*(?:\*|\/[/*])).*?\b(?:from|import)\s*\(?\s*["']([^"']+)["']/gm)].map(([, to = ""]) => ({
    path,
    to: to.startsWith(".") ? unix(join(dirname(path), to)) : to,
  })),
);

test("every file in src lies in a folder that has a place in the order", () => {
  expect(files.filter(({ path }) => level(folderOf(path)) < 0).map(({ path }) => path)).toEqual([]);
});

test("no folder imports from beside or above itself", () => {
  const inner = imports.filter(({ to }) => to.startsWith("src/"));
  const back = inner.filter(({ path, to }) => folderOf(path) !== folderOf(to) && level(folderOf(path)) <= level(folderOf(to)));
  expect(inner.length).toBeGreaterThan(0);
  expect(back.map(({ path, to }) => `${path} imports ${to}`)).toEqual([]);
});

test("the web application imports what it shares with the server, and nothing else of src", () => {
  const ofWeb = imports.filter(({ path, to }) => path.startsWith("src/web/") && to.startsWith("src/"));
  expect(ofWeb.length).toBeGreaterThan(0);
  expect(ofWeb.filter(({ to }) => !/^src\/(web|shared)\//.test(to))).toEqual([]);
});

test("nothing in src imports from outside src, tests aside", () => {
  expect(imports.filter(({ path, to }) => !path.endsWith(".test.ts") && /^(\.\.|test|scripts|examples|bench|dist)\//.test(to))).toEqual([]);
});

test.each([
  ["onnxruntime-node", /^src\/engine\/session\.ts$/],
  ["onnx-buf", /^src\/engine\/onnx\.ts$/],
  ["@duckdb/node-api", /^src\/data\//],
  ["sharp", /^src\/data\//],
  ["@electric-sql/pglite", /^src\/server\/database\//],
  ["pg", /^src\/server\/database\//],
  ["@aws-sdk/client-s3", /^src\/storage\/(s3|s3-client|bucket)\.ts$/],
  ["@aws-sdk/s3-request-presigner", /^src\/storage\/s3\.ts$/],
  ["fastify", /^src\/server\/(app|api-document|api-document-thread|bodies|browser|gate|handler|refusals|web)\.ts$/],
  ["pino", /^src\/server\/(kernel|logging)\.ts$/],
  ["prom-client", /^src\/server\/telemetry\.ts$/],
  ["commander", /^src\/cli\//],
  ["openid-client", /^src\/server\/modules\/accounts\/oidc\.ts$/],
])("%s is imported only where it belongs", (name, owner) => {
  const importers = imports
    .filter(({ path, to }) => !path.endsWith(".test.ts") && (to === name || to.startsWith(`${name}/`)))
    .map(({ path }) => path);
  expect(importers.length).toBeGreaterThan(0);
  expect([...new Set(importers)].filter((path) => !owner.test(path))).toEqual([]);
});

test("process.env is read in the files called config.ts alone, tests aside", () => {
  const readers = files.filter(({ path, text }) => text.includes("process.env") && !path.endsWith(".test.ts"));
  expect(readers.map(({ path }) => path).filter((path) => !/^src\/(cli|server|worker)\/config\.ts$/.test(path))).toEqual([]);
});

test("no server module imports another one's store", () => {
  const stores = imports.filter(
    ({ path, to }) => /^src\/server\/modules\/\w+\/store\.ts$/.test(to) && dirname(path) !== dirname(to) && !path.endsWith(".test.ts"),
  );
  expect([...new Set(stores.map(({ to }) => to))].sort()).toEqual([]);
});

test("every runtime dependency has a row in docs/dependencies.md", () => {
  const { dependencies } = JSON.parse(readFileSync("package.json", "utf8"));
  const text = readFileSync("docs/dependencies.md", "utf8");
  expect(Object.keys(dependencies).filter((name) => !text.includes(`\n| \`${name}\` |`))).toEqual([]);
});
