/** No regular expression that is written in the sources can be made to work for more than linear time by whatever text it is given (ReDoS). */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseSync } from "oxc-parser";
import { check } from "recheck";
import { expect, test } from "vitest";

interface Found {
  readonly pattern: string;
  readonly flags: string;
  readonly file: string;
}

/** Every literal of a source file. */
function literals(file: string): Found[] {
  const found: Found[] = [];
  const walk = (node: unknown): void => {
    if (typeof node !== "object" || node === null) return;
    const { regex } = node as { regex?: { pattern: string; flags: string } };
    if (regex) found.push({ ...regex, file });
    else for (const inner of Object.values(node)) walk(inner);
  };
  walk(parseSync(file, readFileSync(file, "utf8")).program);
  return found;
}

const sources = readdirSync("src", { recursive: true, encoding: "utf8" }).filter((name) => /\.tsx?$/.test(name) && !name.includes(".test."));
const all = new Map(sources.flatMap((name) => literals(join("src", name))).map((one) => [`/${one.pattern}/${one.flags}`, one]));

test("there are some, and the check finds one that is bad", async () => {
  expect(all.size).toBeGreaterThan(80);
  expect((await check("^(a+)+$", "")).status).toBe("vulnerable");
});

test("each takes linear time", async () => {
  const bad: string[] = [];
  for (const [text, { pattern, flags, file }] of all) {
    const found = await check(pattern, flags.replace("v", "u"), { timeout: 30_000 });
    if (found.status !== "safe") bad.push(`${file}: ${text} is ${found.status === "vulnerable" ? found.complexity.summary : "not decided"}`);
  }
  expect(bad).toEqual([]);
}, 300_000);
