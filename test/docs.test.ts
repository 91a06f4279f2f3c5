/** What the README and docs/ promise: that their code is the code, their links lead somewhere, their commands run. */
import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestPlatform } from "./platform.ts";
import { program } from "./process.ts";

const readme = readFileSync("README.md", "utf8");
/** The content of the fenced blocks of a language, in order. */
const blocks = (language: string) => [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "gms"))].map(([, text]) => text!);
const pages = ["README.md", ...readdirSync("docs").flatMap((name) => (name.endsWith(".md") ? [`docs/${name}`] : []))];

test("the README's first code is examples/01-xor.ts, word for word", () => {
  expect(blocks("ts")[0]).toBe(readFileSync("examples/01-xor.ts", "utf8"));
});

test("the gradients in the README are lines of the table", () => {
  const table = readFileSync("src/engine/gradients.ts", "utf8").split("\n");
  const rules = blocks("ts")[1]!
    .trimEnd()
    .split("\n")
    .filter((line) => !line.startsWith("//"));
  expect(rules.length).toBeGreaterThan(0);
  expect(rules.filter((line) => !table.includes(line))).toEqual([]);
});

/** GitHub's name for a heading: lower case, hyphens for spaces, no other marks. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .replace(/\s/g, "-");

test.each(pages)("every link in %s leads to a file and a heading that are there", (page) => {
  const text = readFileSync(page, "utf8");
  const broken = [...text.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)].filter(([, file = "", anchor]) => {
    const target = file ? join(dirname(page), file) : page;
    if (!existsSync(target)) return true;
    const headings = [...readFileSync(target, "utf8").matchAll(/^#+ (.+)$/gm)].map(([, heading]) => anchorOf(heading!));
    return anchor !== undefined && !headings.includes(anchor);
  });
  expect(broken.map(([link]) => link)).toEqual([]);
});

describe("the README's commands", () => {
  const commands = blocks("sh").flatMap((block) => (block.includes("train iris") ? block.trimEnd().split("\n") : []));
  let folder: string;
  let env: NodeJS.ProcessEnv;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "trainyard-readme-"));
    cpSync("data", join(folder, "data"), { recursive: true });
    const { url, machineToken } = await startTestPlatform({ workers: 1 });
    env = { ...process.env, TRAINYARD_URL: url, TRAINYARD_TOKEN: machineToken, TRAINYARD_HOME: folder };
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const words = [process.execPath, program].map((word) => `'${word}'`).join(" ");
  test.each(commands.map((line) => line.replace(/\s+#.*/, "")))("%s", async (line) => {
    expect(line).toMatch(/^npx trainyard /);
    const { stdout } = await promisify(execFile)("sh", ["-c", line.replace("npx trainyard", words)], { cwd: folder, env });
    expect(stdout).not.toBe("");
  });
});
