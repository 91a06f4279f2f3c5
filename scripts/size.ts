/** `npm run size`: lines of code per folder (blank and comment lines left out) and runtime dependencies, against their budgets. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const engineBudget = 3000; // a reader's evening

const lines = (path: string): number =>
  readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => !/^\s*($|\/\/|\/\*|\*)/.test(line)).length;

const folders = readdirSync("src", { withFileTypes: true }).filter((item) => item.isDirectory());
const sizes = folders.map(({ name }) => {
  const files = readdirSync(join("src", name), { recursive: true, encoding: "utf8" }).filter((file) => /\.tsx?$/.test(file));
  const sum = (tests: boolean) =>
    files.filter((file) => /\.test\.tsx?$/.test(file) === tests).reduce((total, file) => total + lines(join("src", name, file)), 0);
  return { name, code: sum(false), tests: sum(true) };
});

const print = (name: string, code: number | string, tests: number | string) =>
  console.log(name.padEnd(16) + `${code}`.padStart(8) + `${tests}`.padStart(8));
print("folder", "code", "tests");
for (const { name, code, tests } of sizes) print(`src/${name}`, code, tests);
print("total", ...((["code", "tests"] as const).map((key) => sizes.reduce((total, size) => total + size[key], 0)) as [number, number]));

const { dependencies } = JSON.parse(readFileSync("package.json", "utf8"));
console.log(`${Object.keys(dependencies).length} runtime dependencies`);

const engine = sizes.find(({ name }) => name === "engine")?.code ?? 0;
if (engine > engineBudget) {
  console.error(`src/engine has ${engine} lines, over its budget of ${engineBudget}. Make it simpler, or move what is not engine out of it.`);
  process.exitCode = 1;
}
