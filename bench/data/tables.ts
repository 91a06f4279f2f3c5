/**
 * How long a large CSV takes to look at, and to become a snapshot with its profile; beside it pandas, which reads and describes
 * the same file. Prints the tables of bench/data.md.
 * Run: node --conditions=source --import tsx bench/data/tables.ts [--python .venv/bin/python] [--gigabytes 5]
 */
import { execFileSync } from "node:child_process";
import { createWriteStream, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { importTable } from "../../src/data/tables/import.ts";
import { tableFiles } from "../../src/data/tables/load.ts";
import { tableParams } from "../../src/data/tables/options.ts";
import { previewTable } from "../../src/data/tables/preview.ts";
import { resolveParams } from "../../src/shared/define.ts";
import { random } from "../../src/shared/random.ts";

const ROWS = 1_000_000;
const turns = 3;
const rowsAtOnce = 2000;

/** 20 columns: thirteen of numbers, one of them with cells missing, four of categories, dates, text, and a class. Until there are `rows` rows or `bytes` bytes. */
async function written(path: string, rows: number, bytes = Number.POSITIVE_INFINITY): Promise<void> {
  const rng = random("bench");
  const whole = (below: number) => Math.floor(rng.next() * below);
  const day = (n: number) => new Date(Date.UTC(2020, 0, 1 + n)).toISOString().slice(0, 10);
  const names = ["n", "i", "c"].flatMap((kind, k) => Array.from({ length: [10, 3, 4][k]! }, (_, i) => `${kind}${i}`));
  const row = (r: number) =>
    [
      ...Array.from({ length: 10 }, (_, i) =>
        i === 3 && whole(20) === 0 ? "" : ((rng.next() + rng.next() + rng.next() - 1.5) * (i + 1)).toFixed(4),
      ),
      ...[100, 1000, 10_000].map(whole),
      ...[5, 15, 45, 135].map((n) => `value${whole(n)}`),
      day(whole(1000)),
      `order ${r} from shop ${r % 17}`,
      ["yes", "no", "maybe"][whole(3)],
    ].join(",");
  function* chunks() {
    let size = 0;
    yield `${[...names, "when", "note", "label"].join(",")}\n`;
    for (let r = 0; r < rows && size < bytes; r += rowsAtOnce) {
      const chunk = Array.from({ length: Math.min(rowsAtOnce, rows - r) }, (_, i) => `${row(r + i)}\n`).join("");
      size += chunk.length;
      yield chunk;
    }
  }
  await pipeline(Readable.from(chunks()), createWriteStream(path));
}

interface Measured {
  readonly seconds: number;
  readonly megabytes: number;
}

/** In a process of its own: looks at a file, or imports it. */
async function one(what: string, path: string, directory: string): Promise<void> {
  await import("@duckdb/node-api"); // loaded beforehand, as pandas is
  const options = { ...resolveParams("table", tableParams), columns: [] };
  const began = performance.now();
  if (what === "preview") await previewTable(path, options, { directory });
  else await importTable(await tableFiles(path), options, { directory });
  const seconds = (performance.now() - began) / 1000;
  process.stdout.write(JSON.stringify({ seconds, megabytes: process.resourceUsage().maxRSS / 1024 } satisfies Measured));
}

const pandas = `
import sys, time, json, resource, pandas as pd
began = time.perf_counter()
table = pd.read_csv(sys.argv[1])
table.describe(include="all")
print(json.dumps({"seconds": time.perf_counter() - began, "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
`;

function measure(what: "preview" | "import", path: string, folder: string): Measured {
  const directory = join(folder, "work");
  mkdirSync(directory);
  const command = ["--conditions=source", "--import", "tsx", fileURLToPath(import.meta.url), "--one", what, path, directory];
  const measured: Measured = JSON.parse(execFileSync(process.execPath, command, { encoding: "utf8" }));
  rmSync(directory, { recursive: true });
  return measured;
}

const median = (of: readonly Measured[]): Measured => of.toSorted((a, b) => a.seconds - b.seconds)[Math.floor(of.length / 2)]!;
const megabytes = ({ megabytes }: Measured): string => `${Math.round(megabytes)} MB`;
const print = (...cells: readonly string[]) => console.log(`| ${cells.join(" | ")} |`);

async function beside(folder: string, python: string | undefined): Promise<void> {
  const path = join(folder, "million.csv");
  await written(path, ROWS);
  const [looked, imported, theirs]: [Measured[], Measured[], Measured[]] = [[], [], []];
  for (let turn = 0; turn < turns; turn++) {
    looked.push(measure("preview", path, folder));
    imported.push(measure("import", path, folder));
    if (python) theirs.push(JSON.parse(execFileSync(python, ["-c", pandas, path], { encoding: "utf8" })));
  }
  const [look, us, them] = [median(looked), median(imported), theirs.length ? median(theirs) : undefined];
  const size = `${ROWS.toLocaleString("en")} x 20, ${Math.round(statSync(path).size / 1e6)} MB`;
  print("CSV", "", "seconds", "peak memory", "pandas, seconds", "its memory", "ratio");
  print("---", "---", "---", "---", "---", "---", "---");
  print(size, "preview", look.seconds.toFixed(2), megabytes(look), "", "", "");
  const peer = them ? [them.seconds.toFixed(2), megabytes(them), `${(them.seconds / us.seconds).toFixed(2)} x`] : ["", "", ""];
  print(size, "import, with profile", us.seconds.toFixed(2), megabytes(us), ...peer);
  rmSync(path);
}

async function large(folder: string, gigabytes: number): Promise<void> {
  const path = join(folder, "large.csv");
  await written(path, Number.POSITIVE_INFINITY, gigabytes * 1e9);
  const us = measure("import", path, folder);
  print(`20 columns, ${(statSync(path).size / 1e9).toFixed(1)} GB`, "import, with profile", us.seconds.toFixed(1), megabytes(us), "", "", "");
}

const { values, positionals } = parseArgs({
  options: { one: { type: "boolean" }, python: { type: "string" }, gigabytes: { type: "string" } },
  allowPositionals: true,
});
if (values.one) await one(positionals[0]!, positionals[1]!, positionals[2]!);
else {
  const folder = mkdtempSync(join(tmpdir(), "bench-tables-"));
  try {
    await beside(folder, values.python);
    if (values.gigabytes) await large(folder, Number(values.gigabytes));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
