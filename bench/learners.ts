/**
 * Classical learners beside scikit-learn, both with two threads and each case in a process of its own, one after the other: fit time, memory that
 * fitting takes beside the data, time to predict the whole test split (10,000 rows or more, the best of three), accuracy.
 *   npm run bench:learners -- [part of a case's name]
 * The peer's Python: TRAINYARD_PYTHON or .venv/bin/python. Adult's files: --tables <folder>.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { cases } from "./learners/cases.ts";
import { load, written } from "./learners/data.ts";

interface Measured {
  /** Seconds. */
  readonly fit: number;
  readonly predict: number;
  /** MB: at most while fitting, beyond what the process had with the data loaded; and of the data as they were given. */
  readonly peak: number;
  readonly data: number;
  readonly accuracy: number;
}

const { values, positionals } = parseArgs({ options: { tables: { type: "string", default: "../shared/data/tabular" } }, allowPositionals: true });
const [wanted = ""] = positionals;
const compiled = "node_modules/.cache/bench";
execFileSync("node_modules/.bin/tsc", ["-p", "bench/learners/tsconfig.json", "--outDir", compiled], { stdio: "inherit" });

const measured = (program: string, args: readonly string[]): Measured =>
  JSON.parse(execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] }));
const python = process.env.TRAINYARD_PYTHON ?? ".venv/bin/python";
const folder = mkdtempSync(join(tmpdir(), "trainyard-bench-"));
const [s, r, mb] = [(v: number) => v.toFixed(3), (v: number) => `${v.toFixed(2)} x`, (v: number) => Math.max(0, v).toFixed(0)];
try {
  console.log(
    "| Case | Fit, s | scikit-learn, s | Ratio (goal) | Predict, s | scikit-learn, s | Ratio (goal) | Data, MB | Memory, MB | scikit-learn, MB | Accuracy | scikit-learn |",
  );
  console.log(`|${" --- |".repeat(12)}`);
  for (const one of cases.filter(({ name }) => name.includes(wanted))) {
    const data = load(one.data, values.tables, one.rows);
    const paths = { train: written(folder, "train", data.train), test: written(folder, "test", data.test), ...(data.scale && { scale: data.scale }) };
    const mine = measured(process.execPath, [join(compiled, "bench/learners/ours.js"), one.name, values.tables]);
    const their = measured(python, ["bench/learners/peer.py", JSON.stringify({ data: paths, estimator: one.estimator, kwargs: one.kwargs })]);
    const cells = [
      one.name,
      s(mine.fit),
      s(their.fit),
      `${r(their.fit / mine.fit)} (${one.goal.fit})`,
      s(mine.predict),
      s(their.predict),
      `${r(their.predict / mine.predict)} (${one.goal.predict})`,
      mb(mine.data),
      mb(mine.peak),
      mb(their.peak),
      mine.accuracy.toFixed(4),
      their.accuracy.toFixed(4),
    ];
    console.log(`| ${cells.join(" | ")} |`);
  }
} finally {
  rmSync(folder, { recursive: true });
}
