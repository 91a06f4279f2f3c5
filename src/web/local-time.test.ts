/** Times in fields are those of the place, and come back as the same moment. */
import { expect, test } from "vitest";
import { fromField, toField } from "./local-time.ts";

test("a moment goes into a field and comes back, to the second", () => {
  expect(fromField(toField("2026-03-01T10:20:30.400Z"))).toBe("2026-03-01T10:20:30.000Z");
  expect(toField(new Date(2026, 0, 2, 3, 4, 5).toISOString())).toBe("2026-01-02T03:04:05");
});

test("what is empty or no time is nothing", () => {
  expect([toField(undefined), fromField(""), fromField("soon")]).toEqual(["", undefined, undefined]);
});
