/** Classes and splits are told from folders, or from tables beside the pictures. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { refusal } from "../../../test/arrays.ts";
import { type Files, fileOf, redirected, temporary, tree } from "../../../test/pictures.ts";
import { zipOf } from "../../../test/zip.ts";
import { splitNames } from "../../shared/dataset.ts";
import { type LayoutOptions, layOut } from "./layout.ts";
import { listFiles } from "./listing.ts";

const defaults: LayoutOptions = { labels: "auto", labelColumn: "", splitColumn: "" };
async function laidOut(files: Files | string, options: Partial<LayoutOptions> = {}) {
  const directory = temporary();
  const listing = await listFiles(typeof files === "string" ? files : tree(files), { directory });
  return layOut(listing, { ...defaults, ...options }, { directory });
}
/** No picture is opened here. */
const empty = (...names: string[]): Files => Object.fromEntries(names.map((name) => [name, ""]));
/** Each picture's class by its name, by split. */
async function told(files: Files | string, options: Partial<LayoutOptions> = {}) {
  const { splits, labels } = await laidOut(files, options);
  return Object.fromEntries(
    splitNames.flatMap((name) => {
      const part = splits[name];
      return part ? [[name, Object.fromEntries(part.places.map((place, i) => [place.name, labels[part.targets[i]!]]))]] : [];
    }),
  );
}
async function refused(files: Files | string, options: Partial<LayoutOptions> = {}): Promise<string[]> {
  const path = typeof files === "string" ? files : tree(files);
  const [code, message, fix] = await refusal(laidOut(path, options));
  expect(code).toBe("BAD_FILE");
  return [message!.replace(path, "pets"), fix!];
}
const pets = empty("cat/1.png", "cat/2.JPG", "dog/1.webp");

describe("folders", () => {
  test("are the classes, wherever they lie", async () => {
    const train = { "cat/1.png": "cat", "cat/2.JPG": "cat", "dog/1.webp": "dog" };
    expect(await told(pets)).toEqual({ train });
    const wrapped = Object.fromEntries(Object.keys(pets).map((name) => [`my/pets/${name}`, ""]));
    expect(Object.values((await told(wrapped)).train!)).toEqual(["cat", "cat", "dog"]);
    const below = empty("cat/indoors/1.png", "cat/2.png", "dog/outside/night/1.png");
    expect(Object.values((await told(below)).train!)).toEqual(["cat", "cat", "dog"]);
  });

  test.each([
    [
      ["train", "test"],
      ["train", "test"],
    ],
    [
      ["training", "testing", "validation"],
      ["train", "test", "validation"],
    ],
    [
      ["Train", "Val", "Test"],
      ["train", "validation", "test"],
    ],
    [
      ["train", "valid"],
      ["train", "validation"],
    ],
  ])("called %j are splits", async (folders, splits) => {
    for (const order of [
      (split: string, name: string) => `${split}/${name}`,
      (split: string, name: string) => `pets/${name.replace("/", `/${split}/`)}`,
    ]) {
      const files = empty(...folders.flatMap((split) => Object.keys(pets).map((name) => order(split, name))));
      const found = await told(files);
      expect(Object.keys(found).sort()).toEqual([...splits].sort());
      for (const part of Object.values(found)) expect(Object.values(part!)).toEqual(["cat", "cat", "dog"]);
    }
  });

  test("called test with pictures that nobody labelled are left out, and said to be", async () => {
    const { splits, notes } = await laidOut(empty("train/cat/1.png", "train/dog/1.png", "test/1.png", "test/2.png"));
    expect(Object.keys(splits)).toEqual(["train"]);
    expect(notes).toEqual([
      {
        code: "missing",
        where: "test/1.png",
        message: "2 pictures without a class are left out",
        fix: "Put them into the folder of their class, or add them to the table.",
      },
    ]);
  });

  test("of people with the same folders in each are not the classes; or are, where that is said", async () => {
    const files = empty(...["ann", "bob", "cid"].flatMap((who) => ["a", "b", "c", "d"].map((letter) => `${who}/${letter}/1.png`)));
    expect((await laidOut(files)).labels).toEqual(["a", "b", "c", "d"]);
    expect((await laidOut(files, { labels: "first-folder" })).labels).toEqual(["ann", "bob", "cid"]);
    expect((await laidOut(empty("a/x/1.png", "b/y/1.png"), { labels: "last-folder" })).labels).toEqual(["x", "y"]);
  });

  test("are sorted by character, numbers by value", async () => {
    expect((await laidOut(empty("b/1.png", "a/1.png", "B/1.png", "ä/1.png"))).labels).toEqual(["B", "a", "b", "ä"]);
    expect((await laidOut(empty("10/1.png", "9/1.png", "1/1.png"))).labels).toEqual(["1", "9", "10"]);
  });

  test("without pictures are told, and make no class", async () => {
    const root = tree({ ...pets, "rat/notes.doc": "x", "README.txt": "pets of ours" });
    mkdirSync(join(root, "cow"));
    const { labels, notes } = await laidOut(root);
    expect(labels).toEqual(["cat", "dog"]);
    expect(notes.map(({ where, message }) => [where, message])).toEqual([
      ["cow", 'the folder "cow" holds no pictures, so there is no such class'],
      ["rat", 'the folder "rat" holds no pictures, so there is no such class'],
    ]);
  });

  test("with archives in them are told", async () => {
    const { notes } = await laidOut({ ...pets, "dog/more.zip": "", "dog/and-more.tar.gz": "" });
    expect(notes.map(({ where, message }) => [where, message])).toEqual([["dog/and-more.tar.gz", "2 archives within the archive are left out"]]);
  });

  test("of files without endings hold pictures, where none has one", async () => {
    expect(Object.keys((await told(empty("cat/1", "dog/2"))).train!)).toEqual(["cat/1", "dog/2"]);
    expect(Object.keys((await told(empty("cat/1", "dog/2", "cat/3.png", "dog/4.png"))).train!)).toEqual(["cat/3.png", "dog/4.png"]);
  });
});

describe("a table beside the pictures", () => {
  const flat = empty("img/1.png", "img/2.png", "img/3.png", "img/4.png");
  const train = { "img/1.png": "cat", "img/2.png": "dog", "img/3.png": "cat", "img/4.png": "dog" };
  test.each([
    ["by their names", "labels.csv", "image,class\n1.png,cat\n2.png,dog\n3.png,cat\n4.png,dog\n"],
    ["by their paths", "labels.csv", "path;label\nimg/1.png;cat\nimg/2.png;dog\n./img/3.png;cat\nimg\\4.png;dog\n"],
    ["by their names without endings", "img/labels.tsv", "id\tbreed\n1\tcat\n2\tdog\n3\tcat\n4\tdog\n"],
    ["without names of columns", "truth.txt", "1.png,cat\n2.png,dog\n3.png,cat\n4.png,dog\n"],
    ["among other columns", "meta.csv", "id,age,dx,file\n7,1.5,cat,1.png\n8,2,dog,2.png\n9,3,cat,3.png\n6,1,dog,4.png\n"],
    [
      "line by line as JSON",
      "metadata.jsonl",
      ["cat", "dog", "cat", "dog"].map((label, i) => JSON.stringify({ file_name: `${i + 1}.png`, label })).join("\n"),
    ],
  ])("says the classes: %s", async (_, name, text) => {
    expect(await told({ ...flat, [name]: text })).toEqual({ train });
    expect((await laidOut({ ...flat, [name]: text })).from).toBe(`${name.split("/").at(-1)} says`);
  });

  test("is found in an archive, in any folder, whatever form its letters have", async () => {
    const files = { "d/k\u00e4se 1.png": "", "d/2.png": "", "d/l.csv": "file,label\nka\u0308se 1.png,gut\n2.png,schlecht\n" };
    const zip = zipOf(Object.fromEntries(Object.entries(files).map(([name, text]) => [name, Buffer.from(text)])));
    expect(await told(fileOf(zip, "a.zip"))).toEqual({ train: { "d/2.png": "schlecht", "d/käse 1.png": "gut" } });
  });

  test("says the splits, too: in a column, by its name, or by folders", async () => {
    const expected = { train: { "img/1.png": "cat", "img/2.png": "dog" }, test: { "img/3.png": "cat", "img/4.png": "dog" } };
    expect(await told({ ...flat, "l.csv": "file,split,label\n1.png,train,cat\n2.png,train,dog\n3.png,test,cat\n4.png,test,dog\n" })).toEqual(
      expected,
    );
    expect(await told({ ...flat, "train.csv": "file,label\n1.png,cat\n2.png,dog\n", "test.csv": "file,label\n3.png,cat\n4.png,dog\n" })).toEqual(
      expected,
    );
    const folders = empty("train/1.png", "train/2.png", "test/3.png", "test/4.png");
    expect(await told({ ...folders, "l.csv": "file,label\n1.png,cat\n2.png,dog\n3.png,cat\n4.png,dog\n" })).toEqual({
      train: { "train/1.png": "cat", "train/2.png": "dog" },
      test: { "test/3.png": "cat", "test/4.png": "dog" },
    });
  });

  test("wins over folders when it knows nearly all pictures, and loses when it is about something else", async () => {
    const labels = "file,label\ncat/1.png,x\ncat/2.JPG,y\ndog/1.webp,y\n";
    expect((await laidOut({ ...pets, "labels.csv": labels })).labels).toEqual(["x", "y"]);
    expect((await laidOut({ ...pets, "labels.csv": labels }, { labels: "first-folder" })).labels).toEqual(["cat", "dog"]);
    expect(
      (await laidOut({ ...pets, "prices.csv": "what,price\nfood,3\ntoys,4\n", "README.txt": "About\n\nour pets, of whom\nthere are 3" })).labels,
    ).toEqual(["cat", "dog"]);
  });

  test("with rows of pictures that are not there, and without some that are, is used; both are told", async () => {
    const { notes, splits } = await laidOut({ ...flat, "l.csv": "file,label\n1.png,cat\n2.png,dog\n3.png,cat\n9.png,cat\n4.png,\n" });
    expect(splits.train.places).toHaveLength(3);
    expect(notes.map(({ message }) => message)).toEqual([
      '1 row name pictures that are not there, the first is "9.png"',
      "1 picture without a class is left out",
    ]);
  });

  test("is asked for by columns", async () => {
    const table = { ...flat, "l.csv": "file,colour,kind\n1.png,red,cat\n2.png,blue,dog\n3.png,red,cat\n4.png,red,dog\n" };
    expect((await laidOut(table, { labelColumn: "colour" })).labels).toEqual(["blue", "red"]);
    expect(await refused(table)).toEqual([
      "pets: l.csv must be a table with a column of classes beside the names of the pictures, but has colour, kind, of which none is called label, class or the like",
      "Choose one of them as labelColumn.",
    ]);
    expect(await refused(table, { labelColumn: "color" })).toEqual([
      'pets: l.csv must be a table with a column "color", but has the columns file, colour, kind',
      "Choose one of them as labelColumn.",
    ]);
    expect(await refused(table, { labelColumn: "kind", splitColumn: "part" })).toEqual([
      'pets: l.csv must be a table with a column "part", but has the columns file, colour, kind',
      "Choose one of them as splitColumn.",
    ]);
  });

  test("that contradicts itself, says nothing, or is not there is refused", async () => {
    expect(await refused({ ...flat, "l.csv": "file,label\n1.png,cat\n2.png,dog\n1.png,dog\n3.png,dog\n" })).toEqual([
      'pets: l.csv must be a table with one class for each picture, but says of "1.png" both "cat" and "dog"',
      "Remove one of the two rows.",
    ]);
    expect(await refused({ ...flat, "l.csv": "file\n1.png\n2.png\n3.png\n4.png\n" })).toEqual([
      'pets: l.csv must be a table with a column of classes beside the names of the pictures, but has "file" alone',
      "Add a column that says what each picture shows.",
    ]);
    expect(await refused(pets, { labels: "table" })).toEqual([
      "pets must be pictures of at least two classes, but holds no table with the names of its pictures",
      "Add one, for example labels.csv: file,label. Or let folders say the classes.",
    ]);
  });

  test("that is damaged in its archive is refused", async () => {
    const zip = zipOf({ "1.png": Buffer.alloc(1), "2.png": Buffer.alloc(1), "l.csv": Buffer.from("file,label\n1.png,a\n2.png,b\n") });
    const damaged = redirected(zip, (bytes, at, index) => index === 2 && bytes.writeUInt32LE(1, at + 16));
    expect(await refused(fileOf(damaged, "pets.zip"))).toEqual([
      "pets: l.csv must be a table, but is damaged: its checksum is another",
      "Copy or download the archive again, or pack it anew.",
    ]);
  });
});

describe("refused is", () => {
  const howTo = "Put them into a folder for each class, or add a table with the name and the class of each picture.";
  const bring = "Bring pictures of what it is to be told from, in a folder of their own.";
  test.each<[string, Files, string, string]>([
    ["nothing", {}, "holds no file", howTo],
    ["what holds no picture", empty("a.doc", "b.html"), "holds 2 files and no picture", howTo],
    [
      "an archive within",
      empty("a/pets.zip", "b.doc"),
      'holds the archive "a/pets.zip" and no picture',
      "Unpack what is in it, and pack the pictures themselves.",
    ],
    ["what nobody labelled", empty("1.png", "2.png"), "holds 2 pictures, and nothing says what they show", howTo],
    ["one class alone", empty("cat/1.png", "cat/2.png"), 'holds one class alone, "cat"', bring],
    [
      "one class alone, in a table",
      { ...empty("1.png", "2.png"), "l.csv": "file,label\n1.png,cat\n2.png,cat\n" },
      'holds one class alone, "cat"',
      bring,
    ],
    [
      "what is there to test on alone",
      empty("test/cat/1.png", "test/dog/1.png", "val/cat/2.png"),
      "holds no pictures to train on, only such to test on",
      "Add a folder train with a folder for each class.",
    ],
  ])("%s", async (_, files, got, fix) => {
    expect(await refused(files)).toEqual([`pets must be pictures of at least two classes, but ${got}`, fix]);
  });
});
