/** What a terminal shows of data. */
import { expect, test } from "vitest";
import type { Preview, Profile } from "../shared/profile.ts";
import { quantileShares } from "../shared/profile.ts";
import { previewText, profileText } from "./dataset-profile.ts";

const esc = "\u001b[2J";

test("a preview tells problems first, then what was found, and nothing of it steers the terminal", () => {
  const preview: Preview = {
    kind: "table",
    format: { name: "csv", delimiter: ";", encoding: "utf-8" },
    records: 1234,
    estimated: true,
    columns: [{ name: `a${esc}`, type: "number", missing: 2, distinct: 9, examples: ["1", "2"] }],
    target: { name: "a", task: "regression", why: "the last column" },
    rows: [["1"], [null]],
    problems: [{ where: `t.csv${esc}`, message: "two columns are called b", fix: "Rename one." }],
  };
  const text = previewText(preview);
  expect(text).not.toContain("\u001b");
  expect(text.split("\n").slice(0, 3)).toEqual(["problems:", expect.stringContaining("two columns are called b"), "  Rename one."]);
  expect(text).toContain("about 1,234");
  expect(text).toContain('cells end with ";"');
});

test("a profile tells warnings first, dates as days, and how values spread", () => {
  const day = (text: string) => Date.parse(text) / 1000;
  const profile: Profile = {
    kind: "table",
    records: { train: 8, validation: 0, test: 2 },
    classes: [
      { label: "yes", train: 6, validation: 0, test: 1 },
      { label: "no", train: 2, validation: 0, test: 1 },
    ],
    columns: [
      {
        name: "when",
        type: "date",
        role: "feature",
        missing: 0,
        distinct: 10,
        mean: day("2026-01-05"),
        quantiles: quantileShares.map((share) => day("2026-01-01") + share * 864_000),
        histogram: { edges: [0, 1, 2], counts: [1, 9] },
        association: { measure: "correlation_ratio", value: 0.25 },
      },
    ],
    warnings: [{ code: "few_rows", message: "there are 10 rows", fix: "Bring more." }],
  };
  const text = profileText(profile);
  expect(text.startsWith("! there are 10 rows\n  Bring more.")).toBe(true);
  expect(text).toContain("8 to train on, 2 to test");
  expect(text).toMatch(/when +date +10 +2026-01-05 +2026-01-01 +2026-01-06 +2026-01-11 +▁█ +25\.00 %/);
  expect(text).toMatch(/yes +7 +█{30} 70\.00 %/);
  expect(text).toMatch(/no +3 +█{13} 30\.00 %/);
});
