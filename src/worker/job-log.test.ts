import { describe, expect, test } from "vitest";
import type { JobLine } from "../shared/api/schemas.ts";
import { JobLog } from "./job-log.ts";

/** A log whose lines are kept here, and their numbers. */
function kept(refuses = false) {
  const lines: JobLine[] = [];
  const firsts: number[] = [];
  const log = new JobLog(async (first, some) => {
    if (refuses) throw new Error("the server is away");
    firsts.push(first);
    lines.push(...some);
  });
  return { log, lines, firsts, texts: () => lines.map(({ text }) => text) };
}

describe("what a job writes", () => {
  test("comes as lines, in whatever pieces it was written, the last one also without an end", async () => {
    const { log, texts, firsts } = kept();
    for (const piece of ["epo", "ch 1\nepoch", " 2\n\n", "the end"]) log.hear(piece);
    await log.end();
    expect(texts()).toEqual(["epoch 1", "epoch 2", "the end"]);
    expect(firsts).toEqual([0]);
  });

  test("has no control characters and no half characters, and no line longer than 2,000", async () => {
    const { log, lines } = kept();
    log.hear(`\u001b[31mred\u0000 \ud800\n${"x".repeat(5_000_000)}\n`);
    await log.end();
    expect(lines[0]!.text).not.toMatch(/[\p{Cc}\p{Cs}]/u);
    expect(lines[1]!.text).toHaveLength(2000);
  });

  test("is counted and left out where it is a flood, of which the server gets some lines", async () => {
    const { log, lines } = kept();
    for (let i = 0; i < 200; i++) log.hear("again\n".repeat(1000));
    await log.end();
    expect(lines.length).toBeLessThan(1100);
    expect(lines.at(-1)!.text).toBe("… 199000 lines were left out");
  });

  test("is lost without harm where the server does not take it", async () => {
    const { log, lines } = kept(true);
    log.hear("one\n");
    await log.end();
    expect(lines).toEqual([]);
  });
});
