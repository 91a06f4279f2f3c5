/** What `npm start` and `npm test` share: dependencies and compiled code, renewed only when stale. Plain Node, since node_modules may be missing. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(
    `Trainyard needs Node.js 20.19 or newer, but this is ${process.version}. Install a newer one from https://nodejs.org and run this again.`,
  );
  process.exit(1);
}

process.chdir(fileURLToPath(new URL("..", import.meta.url)));
process.env.PATH = `${resolve("node_modules", ".bin")}${delimiter}${process.env.PATH}`;

/** Runs a command line with this terminal; true when it succeeded. */
export const run = (line) => spawnSync(line, { shell: true, stdio: "inherit" }).status === 0;

/** `npm ci`, unless node_modules holds what package-lock.json asks for. */
export function install() {
  if (installed()) return true;
  console.log("installing dependencies (npm ci)");
  return run("npm ci");
}

/** Compiles src/ into a fresh dist/, unless dist was made from the same sources. */
export function build() {
  const stamp = join("dist", ".sources");
  const sources = fingerprint();
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === sources) return true;
  console.log("compiling src into dist");
  rmSync("dist", { recursive: true, force: true });
  if (!run("npm run --silent build") || !run("node scripts/template.mjs")) return false;
  chmodSync(join("dist", "cli", "main.js"), 0o755); // what `npx trainyard` starts
  writeFileSync(stamp, sources);
  return true;
}

/** npm records what it put into node_modules in a lock file there, written last: packages for other platforms are absent from it. */
function installed() {
  const record = join("node_modules", ".package-lock.json");
  if (!existsSync(record)) return false;
  const packages = (file) => JSON.parse(readFileSync(file, "utf8")).packages;
  const have = packages(record);
  return Object.entries(packages("package-lock.json")).every(
    ([path, { integrity, optional, devOptional }]) => path === "" || (have[path] ? have[path].integrity === integrity : (optional ?? devOptional)),
  );
}

/** A digest of everything the build reads. */
function fingerprint() {
  const hash = createHash("sha256");
  const src = readdirSync("src", { recursive: true }).map((name) => join("src", name));
  for (const path of ["package.json", "tsconfig.json", "tsconfig.build.json", "vite.config.ts", "scripts/bundle.ts", ...src.sort()])
    if (statSync(path).isFile() && !path.endsWith(".test.ts")) hash.update(`${path}\n`).update(readFileSync(path));
  return hash.digest("hex");
}
