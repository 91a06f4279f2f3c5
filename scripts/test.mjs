/** `npm test`: installs, compiles, then runs every check and reports all that failed. `npm test -- lint types` runs only those. */
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { relative } from "node:path";
import { build, install, run } from "./prepare.mjs";

const typescript = "node --conditions=source --import tsx";
const report = "node_modules/.cache/tests.json";
const examples = readdirSync("examples")
  .filter((file) => /^\d+-.*\.ts$/.test(file))
  .sort();
const total = { passed: 0, failed: 0, skipped: 0 };
const troubles = [];

const steps = {
  lint: () => check("lint", "npm run --silent lint"),
  types: () => check("types", "tsc -p . && tsc -p src/web"),
  generated: () => check("generated", `${typescript} scripts/generate.ts --check`),
  unused: () => check("unused", "knip"),
  size: () => check("size", "npm run --silent size"),
  tests: unitTests,
  examples: () => {
    for (const file of examples) check(`examples/${file}`, `${typescript} examples/${file}`);
  },
};

const chosen = process.argv.slice(2);
const unknown = chosen.filter((name) => !(name in steps));
if (unknown.length) {
  console.error(`there is no check "${unknown[0]}". Choose from: ${Object.keys(steps).join(", ")}.`);
  process.exit(1);
}
if (!prepared("install", install) || !prepared("build", build)) finish();
for (const [name, step] of Object.entries(steps)) if (!chosen.length || chosen.includes(name)) step();
finish();

function prepared(name, make) {
  if (make()) return true;
  total.failed++;
  troubles.push(name);
  return false;
}

function check(name, line) {
  console.log(`\n== ${name}`);
  const start = performance.now();
  const ok = run(line);
  console.log(`== ${name} ${ok ? "passed" : "FAILED"} in ${((performance.now() - start) / 1000).toFixed(1)} s`);
  total[ok ? "passed" : "failed"]++;
  if (!ok) troubles.push(name);
}

/** Counts every test, not the step; a file that does not load and an error outside any test count as one failure each. */
function unitTests() {
  console.log("\n== tests");
  rmSync(report, { force: true });
  const ok = run(`vitest run --reporter=default --reporter=json --outputFile.json=${report}`);
  const files = read(report)?.testResults ?? [];
  const tests = files.flatMap((file) => file.assertionResults);
  const count = (...statuses) => tests.filter((test) => statuses.includes(test.status));
  const broken = files.filter((file) => file.status === "failed" && !file.assertionResults.some((test) => test.status === "failed"));
  const failed = [...count("failed").map((test) => test.fullName), ...broken.map((file) => relative(".", file.name))];
  if (!ok && !failed.length) failed.push("vitest");
  const skipped = count("skipped", "pending", "todo", "disabled").map((test) => test.fullName);
  if (process.env.CI === "true") failed.push(...skipped.splice(0).map((name) => `skipped, which CI does not allow: ${name}`));
  total.passed += count("passed").length;
  total.failed += failed.length;
  total.skipped += skipped.length;
  troubles.push(...failed);
}

function read(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined; // vitest stopped before it could report
  }
}

function finish() {
  for (const trouble of troubles) console.log(`failed: ${trouble}`);
  const { passed, failed, skipped } = total;
  console.log(`\ntests: ${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ""}`);
  process.exit(failed ? 1 : 0);
}
