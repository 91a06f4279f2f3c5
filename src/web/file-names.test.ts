import { describe, expect, test } from "vitest";
import { datasetFile, registerDataset } from "../shared/api/schemas.ts";
import { datasetName, plainName, sourceOf } from "./file-names.ts";

const strange = ["../../etc/passwd", "<b>x</b>.csv", "مرحبا.csv", "😀.zip", "a b (1).csv", "-rf.csv", "...", "", `${"x".repeat(300)}.csv`];

describe("a file's name", () => {
  test.each(strange)("%j becomes one that the server takes", (name) => {
    expect(datasetFile.shape.name.safeParse(plainName(name)).success).toBe(true);
  });

  test("gives a dataset its name without the ending", () => {
    expect(["cats.and.dogs.zip", "houses.tar.gz", "Mein Haus.csv"].map(datasetName)).toEqual(["cats.and.dogs", "houses", "Mein Haus"]);
  });

  test.each(strange.filter((name) => datasetName(name)))("%j gives a name that the server takes", (name) => {
    expect(registerDataset.shape.name.safeParse(datasetName(name)).success).toBe(true);
  });

  test("says who reads several files: pictures with a table of labels are pictures", () => {
    expect([sourceOf([undefined]), sourceOf([undefined, "pictures"]), sourceOf([])]).toEqual(["table", "pictures", "table"]);
  });
});
