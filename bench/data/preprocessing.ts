/**
 * How long preprocessing takes, from the stored rows of a snapshot to samples: fitted on the training rows, then all rows
 * transformed. Beside it scikit-learn's ColumnTransformer, which reads the same rows from NumPy's files. Prints the table of bench/data.md.
 * Run: node --conditions=source --import tsx bench/data/preprocessing.ts [--python .venv/bin/python]
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { preprocessing } from "../../src/catalog/preprocessing/index.ts";
import type { PreprocessingStep } from "../../src/data/kinds.ts";
import { prepare } from "../../src/data/prepare.ts";
import { SplitWriter, sealSnapshot } from "../../src/data/snapshot.ts";
import { checkSteps } from "../../src/data/steps.ts";
import type { Column } from "../../src/shared/dataset.ts";
import { random } from "../../src/shared/random.ts";

const turns = 3;
const values = Array.from({ length: 40 }, (_, i) => `value ${String(i).padStart(2, "0")}`);

interface Case {
  readonly name: string;
  readonly rows: number;
  readonly numbers: number;
  readonly categories: number;
  readonly steps: readonly PreprocessingStep[];
}
const cases: readonly Case[] = [
  { name: "impute and standardise", rows: 1_000_000, numbers: 20, categories: 0, steps: [{ step: "impute" }, { step: "standardise" }] },
  {
    name: "impute, standardise, one-hot of 40 values",
    rows: 200_000,
    numbers: 6,
    categories: 8,
    steps: [{ step: "impute" }, { step: "standardise" }, { step: "one-hot" }],
  },
];

/** A table of random numbers, one in ten missing, and of categories: as a snapshot, and for NumPy. Four rows of five are for training. */
async function written(folder: string, { rows, numbers, categories }: Case): Promise<void> {
  mkdirSync(folder);
  const columns: Column[] = [
    ...Array.from({ length: numbers }, (_, i) => ({ name: `n${i}`, type: "number" as const })),
    ...Array.from({ length: categories }, (_, i) => ({ name: `c${i}`, type: "category" as const, values })),
  ];
  const rng = random("bench");
  const parts: Record<string, { count: number; tensors: Awaited<ReturnType<SplitWriter["finish"]>> }> = {};
  for (const [split, count] of [
    ["train", rows * 0.8],
    ["test", rows * 0.2],
  ] as const) {
    const block = Float32Array.from({ length: count * numbers }, () => (rng.next() < 0.1 ? Number.NaN : rng.next() * 100));
    const codes = Int32Array.from({ length: count * categories }, () => Math.floor(rng.next() ** 2 * values.length));
    writeFileSync(join(folder, `${split}.numbers`), block);
    writeFileSync(join(folder, `${split}.codes`), codes);
    const writer = await SplitWriter.create(
      join(folder, `${split}.safetensors`),
      {
        numbers: { dtype: "F32", shape: [numbers] },
        ...(categories && { categories: { dtype: "I32", shape: [categories] } }),
        targets: { dtype: "I32", shape: [] },
      },
      count,
    );
    await writer.append({ numbers: block, categories: codes, targets: new Int32Array(count) });
    parts[split] = { count, tensors: await writer.finish() };
  }
  const profile = { kind: "table" as const, records: { train: rows * 0.8, validation: 0, test: rows * 0.2 }, warnings: [] };
  const splits = { train: parts.train!, test: parts.test! };
  await sealSnapshot(folder, { kind: "table", task: "classification", columns, target: "t", labels: ["a", "b"], splits, splitting: {} }, profile);
}

/** Prepares one snapshot, and prints seconds and peak memory. */
async function one(folder: string, steps: readonly PreprocessingStep[]): Promise<void> {
  await import("onnxruntime-node"); // loaded beforehand, as Python's libraries are
  const began = performance.now();
  const { train } = await prepare(folder, checkSteps(preprocessing, steps).steps, { id: "b", source: "b", validation: { fraction: 0, seed: 1 } });
  const seconds = (performance.now() - began) / 1000;
  const first = train.inputs[0];
  process.stdout.write(JSON.stringify({ seconds, megabytes: process.resourceUsage().maxRSS / 1024, first }));
}

const sklearn = `
import sys, time, json, resource, numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
folder, numbers, categories = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
began = time.perf_counter()
def read(split):
    block = np.fromfile(folder + "/" + split + ".numbers", np.float32).reshape(-1, numbers)
    codes = np.fromfile(folder + "/" + split + ".codes", np.int32).reshape(len(block), categories)
    return np.hstack([block, codes.astype(np.float32)]) if categories else block
train, test = read("train"), read("test")
parts = [("n", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), list(range(numbers)))]
if categories: parts.append(("c", OneHotEncoder(handle_unknown="ignore", sparse_output=False, dtype=np.float32), list(range(numbers, numbers + categories))))
both = ColumnTransformer(parts).fit(train)
train, test = both.transform(train), both.transform(test)
print(json.dumps({"seconds": time.perf_counter() - began, "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
`;

interface Measured {
  readonly seconds: number;
  readonly megabytes: number;
}
const median = (of: readonly Measured[]): Measured => of.toSorted((a, b) => a.seconds - b.seconds)[Math.floor(of.length / 2)]!;

async function main(python: string | undefined): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "bench-preprocessing-"));
  const self = fileURLToPath(import.meta.url);
  console.log("| steps | rows x columns | seconds | peak memory | scikit-learn, seconds | its memory | ratio |");
  console.log("| --- | --- | --- | --- | --- | --- | --- |");
  for (const [i, each] of cases.entries()) {
    const at = join(folder, String(i));
    await written(at, each);
    const [ours, theirs]: [Measured[], Measured[]] = [[], []];
    for (let turn = 0; turn < turns; turn++) {
      const command = ["--conditions=source", "--import", "tsx", self, "--one", at, JSON.stringify(each.steps)];
      ours.push(JSON.parse(execFileSync(process.execPath, command, { encoding: "utf8" })));
      if (python) theirs.push(JSON.parse(execFileSync(python, ["-c", sklearn, at, `${each.numbers}`, `${each.categories}`], { encoding: "utf8" })));
    }
    const [us, them] = [median(ours), theirs.length ? median(theirs) : undefined];
    const peer = them ? [them.seconds.toFixed(2), `${Math.round(them.megabytes)} MB`, `${(them.seconds / us.seconds).toFixed(2)} x`] : ["", "", ""];
    const size = `${each.rows.toLocaleString("en")} x ${each.numbers + each.categories}`;
    console.log(`| ${[each.name, size, us.seconds.toFixed(2), `${Math.round(us.megabytes)} MB`, ...peer].join(" | ")} |`);
    rmSync(at, { recursive: true });
  }
  rmSync(folder, { recursive: true });
}

const [flag, ...rest] = process.argv.slice(2);
if (flag === "--one") await one(rest[0]!, JSON.parse(rest[1]!));
else await main(flag === "--python" ? rest[0] : undefined);
