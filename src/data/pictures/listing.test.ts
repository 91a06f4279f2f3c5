/** What no honest archive has is refused, before anything of it is unpacked or decoded. */
import { appendFileSync, mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { refusal } from "../../../test/arrays.ts";
import { fileOf, pngs, redirected, rewritten, tarOf, temporary, tree } from "../../../test/pictures.ts";
import { zipOf } from "../../../test/zip.ts";
import { Gathering, mostFiles } from "./gathering.ts";
import { layOut } from "./layout.ts";
import { listFiles } from "./listing.ts";
import { Changed, PlaceReader } from "./places.ts";

const list = (path: string) => listFiles(path, { directory: join(temporary(), "unpacked") });
const names = async (path: string) => (await list(path)).files.map(({ name }) => name);
/** Message and fix, without the path of the archive. */
async function refused(content: Uint8Array | string, name = "pets.zip"): Promise<string[]> {
  const path = typeof content === "string" ? content : fileOf(content, name);
  const [code, message, fix] = await refusal(list(path));
  expect(code).toBe("BAD_FILE");
  return [message!.replace(path, name), fix!];
}
const pets = await pngs("cat/1.png", "cat/2.png", "dog/1.png");

describe("files are found", () => {
  test.each([
    ["a ZIP archive, stored", async () => fileOf(zipOf(pets), "pets.zip")],
    ["a ZIP archive, deflated", async () => fileOf(zipOf(pets, { deflate: true }), "pets.zip")],
    ["a tar archive", async () => fileOf(await tarOf(Object.entries(pets).map(([name, content]) => [{ name }, content])), "pets.tar")],
    [
      "a tar.gz",
      async () =>
        fileOf(
          await tarOf(
            Object.entries(pets).map(([name, content]) => [{ name }, content]),
            { gzip: true },
          ),
          "pets",
        ),
    ],
    ["a folder", async () => tree(pets)],
    ["a folder that holds an archive alone", async () => tree({ "pets.zip": zipOf(pets) })],
  ])("in %s, with their bytes", async (_, make) => {
    const { files } = await list(await make());
    expect(files.map(({ name }) => name)).toEqual(["cat/1.png", "cat/2.png", "dog/1.png"]);
    const reader = new PlaceReader();
    for (const place of files) expect(reader.read(place).equals(pets[place.name]!)).toBe(true);
    reader.close();
  });

  test("and what systems put beside them is not", async () => {
    const more = { "__MACOSX/cat/._1.png": "x", "cat/.DS_Store": "x", "cat/Thumbs.db": "x", "desktop.ini": "x", ".git/config": "x" };
    const files = { ...pets, ...Object.fromEntries(Object.entries(more).map(([name, text]) => [name, Buffer.from(text)])) };
    const tar = await tarOf(Object.entries(files).map(([name, content]) => [{ name }, content]));
    for (const path of [fileOf(zipOf(files), "pets.zip"), fileOf(tar, "pets.tar"), tree(files)]) expect(await names(path)).toEqual(Object.keys(pets));
  });

  test("under names in UTF-8, said or not, in code page 437, with backslashes, and with letters in two parts", async () => {
    const zip = zipOf({ "Käse/1.png": pets["cat/1.png"]!, "b\\2.png": pets["cat/2.png"]!, "./c/3.png": pets["dog/1.png"]! });
    expect(await names(fileOf(zip, "a.zip"))).toEqual(["Käse/1.png", "b/2.png", "c/3.png"]);
    expect(await names(fileOf(rewritten(zipOf({ "K#se/1.png": pets["cat/1.png"]! }), "K#se", "K\x84se"), "a.zip"))).toEqual(["Käse/1.png"]);
    const parts = { "Ka\u0308se/1.png": pets["cat/1.png"]! };
    for (const path of [fileOf(zipOf(parts), "a.zip"), tree(parts)]) expect(await names(path)).toEqual(["K\u00e4se/1.png"]);
  });

  test("a hundred thousand of them", async () => {
    const [pixel] = Object.values(pets);
    const zip = zipOf(Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`${i % 7}/${i}.png`, pixel!])));
    const listing = await list(fileOf(zip, "many.zip"));
    const layout = await layOut(listing, { labels: "auto", labelColumn: "", splitColumn: "" }, { directory: temporary() });
    expect([listing.files.length, layout.labels, layout.splits.train.places.length]).toEqual([100_000, [..."0123456"], 100_000]);
  });
});

describe("a ZIP archive is refused", () => {
  const packAnew = "Pack the folder anew, with paths that begin in it.";
  test.each([
    ["a path that climbs", zipOf({ ...pets, "../evil.png": pets["cat/1.png"]! }), 'holds "../evil.png": its path leads out of the archive'],
    [
      "a path that climbs by backslashes",
      zipOf({ "cat\\..\\..\\evil.png": pets["cat/1.png"]! }),
      'holds "cat\\..\\..\\evil.png": its path leads out of the archive',
    ],
    ["an absolute path", zipOf({ "/etc/evil.png": pets["cat/1.png"]! }), 'holds "/etc/evil.png": its path is absolute'],
    ["a path with a drive", zipOf({ "C:/evil.png": pets["cat/1.png"]! }), 'holds "C:/evil.png": its path is absolute'],
  ])("with %s", async (_, zip, got) => {
    expect(await refused(zip)).toEqual([`pets.zip must be a ZIP archive of pictures, but ${got}`, packAnew]);
  });

  test.each([
    [
      "with a link",
      redirected(zipOf(pets), (zip, at, index) => index === 1 && zip.writeUInt32LE((0o120777 << 16) >>> 0, at + 38)),
      'holds the link "cat/2.png"',
      "Put the file itself in its place, or leave it out.",
    ],
    [
      "with one name twice",
      rewritten(zipOf(pets), "cat/2.png", "cat/1.png"),
      'holds "cat/1.png" twice',
      "Leave one of them out, or give it another name.",
    ],
    [
      "with a password",
      redirected(zipOf(pets, { deflate: true }), (zip, at) => zip.writeUInt16LE(1, at + 8)),
      'holds "cat/1.png" encrypted',
      "Pack the folder anew without a password.",
    ],
    [
      "with a compression that is not usual",
      redirected(zipOf(pets), (zip, at) => zip.writeUInt16LE(93, at + 10)),
      'holds "cat/1.png" compressed by method 93',
      "Pack the folder anew with the usual compression, deflate.",
    ],
    [
      "whose entries share their bytes",
      redirected(zipOf(pets), (zip, at) => zip.writeUInt32LE(0, at + 42)),
      'holds "cat/1.png" and "cat/2.png" in the same bytes',
      "Pack the folder anew as a plain ZIP archive.",
    ],
    [
      "that unpacks to gigabytes",
      redirected(zipOf(pets, { deflate: true }), (zip, at) => zip.writeUInt32LE(2 ** 30 - 1, at + 24)),
      `unpacks to more than 200 times its ${zipOf(pets, { deflate: true }).length} bytes, as none with pictures does`,
      "If these are your pictures, pack them in several archives, and import each.",
    ],
    [
      "whose directory is damaged",
      redirected(zipOf(pets), (zip, at, index) => index === 1 && zip.fill(0, at, at + 4)),
      "cannot be read as one (invalid central directory file header signature: 0x0)",
      "Copy or download the archive again, or pack it anew.",
    ],
    [
      "that is cut off",
      zipOf(pets).subarray(0, 200),
      "cannot be read as one (End of central directory record signature not found. Either not a zip file, or file is truncated.)",
      "Copy or download the archive again, or pack it anew.",
    ],
  ])("%s", async (_, zip, got, fix) => {
    expect(await refused(zip)).toEqual([`pets.zip must be a ZIP archive of pictures, but ${got}`, fix]);
  });

  test("with more files than anyone packs, whatever they are called", async () => {
    const gathering = await Gathering.at(fileOf(zipOf(pets), "pets.zip"), "zip");
    for (let i = 0; i < mostFiles; i++) gathering.pathOf("a");
    expect(() => gathering.pathOf("a")).toThrow("holds more than 1000000 files");
  });

  test("when it is larger unpacked than a disk should hold", async () => {
    const gathering = await Gathering.at(fileOf(zipOf(pets), "pets.zip"), "zip");
    expect(() => gathering.unpacked(2 ** 36 + 1)).toThrow("unpacks to more than 68719476736 bytes");
  });
});

describe("a picture in a ZIP archive", () => {
  const readFirst = async (zip: Buffer) => {
    const { files } = await list(fileOf(zip, "pets.zip"));
    const reader = new PlaceReader();
    try {
      return reader.read(files[0]!);
    } finally {
      reader.close();
    }
  };
  test.each([
    [
      "that unpacks to more than is said",
      redirected(zipOf({ a: Buffer.alloc(9999) }, { deflate: true }), (zip, at) => zip.writeUInt32LE(99, at + 24)),
      "is damaged: Cannot create a Buffer larger than 99 bytes",
    ],
    [
      "that unpacks to less than is said",
      redirected(zipOf({ a: Buffer.alloc(9) }, { deflate: true }), (zip, at) => zip.writeUInt32LE(99, at + 24)),
      "is damaged: its checksum is another",
    ],
    [
      "of another checksum",
      redirected(zipOf({ a: Buffer.alloc(9) }), (zip, at) => zip.writeUInt32LE(99, at + 16)),
      "is damaged: its checksum is another",
    ],
    ["that lies elsewhere", redirected(zipOf({ a: Buffer.alloc(9) }), (zip, at) => zip.writeUInt32LE(2, at + 42)), "is not where the archive says"],
    [
      "that is larger than any",
      redirected(zipOf({ a: Buffer.alloc(9) }, { deflate: true }), (zip, at) => zip.writeUInt32LE(2 ** 28 + 1, at + 24)),
      "has 268435457 bytes, more than 268435456",
    ],
  ])("%s is not read", async (_, zip, message) => {
    await expect(readFirst(zip)).rejects.toThrow(message);
  });
});

describe("a tar archive is refused", () => {
  const cat = pets["cat/1.png"]!;
  test.each([
    [
      "with a path that climbs",
      () => tarOf([[{ name: "../evil.png" }, cat]]),
      'holds "../evil.png": its path leads out of the archive',
      "Pack the folder anew, with paths that begin in it.",
    ],
    [
      "with an absolute path",
      () => tarOf([[{ name: "/etc/evil.png" }, cat]]),
      'holds "/etc/evil.png": its path is absolute',
      "Pack the folder anew, with paths that begin in it.",
    ],
    [
      "with a symbolic link",
      () => tarOf([[{ name: "cat/1.png", type: "symlink", linkname: "/etc/passwd" }]]),
      'holds the link "cat/1.png"',
      "Put the file itself in its place, or leave it out.",
    ],
    [
      "with a hard link",
      () => tarOf([[{ name: "cat/1.png", type: "link", linkname: "../x" }]]),
      'holds the link "cat/1.png"',
      "Put the file itself in its place, or leave it out.",
    ],
    [
      "with one name twice",
      () =>
        tarOf([
          [{ name: "a.png" }, cat],
          [{ name: "a.png" }, cat],
        ]),
      'holds "a.png" twice',
      "Leave one of them out, or give it another name.",
    ],
    [
      "that is cut off",
      async () => (await tarOf([[{ name: "a.png" }, Buffer.alloc(5000)]])).subarray(0, 3000),
      "cannot be unpacked (Unexpected end of data)",
      "Copy or download the archive again, or pack it anew.",
    ],
    [
      "whose gzip is cut off",
      async () => (await tarOf([[{ name: "a.png" }, cat]], { gzip: true })).subarray(0, 150),
      "cannot be unpacked (unexpected end of file)",
      "Copy or download the archive again, or pack it anew.",
    ],
    [
      "that is something else in gzip",
      async () => gzipSync(Buffer.alloc(2000, "text ")),
      "cannot be unpacked (Invalid tar header. Maybe the tar is corrupted or it needs to be gunzipped?)",
      "Copy or download the archive again, or pack it anew.",
    ],
  ])("%s", async (_, make, got, fix) => {
    expect(await refused(await make(), "pets.tar")).toEqual([`pets.tar must be a tar archive of pictures, but ${got}`, fix]);
  });

  test("that unpacks to gigabytes, long before its end", async () => {
    const size = 2 ** 31;
    const header = (await tarOf([[{ name: "zeros.png" }, "x"]])).subarray(0, 512);
    header.write(`${size.toString(8).padStart(11, "0")}\0`, 124);
    header.write("        ", 148);
    header.write(
      `${header
        .reduce((sum, byte) => sum + byte, 0)
        .toString(8)
        .padStart(6, "0")}\0 `,
      148,
    );
    const zeros = gzipSync(Buffer.alloc(2 ** 26));
    const bomb = Buffer.concat([gzipSync(header), ...Array.from({ length: 32 }, () => zeros)]);
    const path = fileOf(bomb, "pets.tgz");
    const directory = temporary();
    const [, message] = await refusal(listFiles(path, { directory }));
    expect(message).toBe(
      `${path} must be a tar archive of pictures, but unpacks to more than 200 times its ${bomb.length} bytes, as none with pictures does`,
    );
    rmSync(directory, { recursive: true });
  });
});

test.each([
  ["7-Zip", "377abcaf271c", "is packed by 7-Zip"],
  ["RAR", "526172211a0700", "is packed by RAR"],
  ["xz", "fd377a585a0000", "is packed by xz"],
  ["text", "6c6f72656d", "is something else"],
  ["nothing", "", "is empty"],
])("%s is no archive that is read", async (_, hex, got) => {
  expect(await refused(Buffer.from(hex, "hex"))).toEqual([
    `pets.zip must be a ZIP or tar archive, or a folder, of pictures, but ${got}`,
    "Pack the pictures as .zip, .tar or .tar.gz, or give their folder.",
  ]);
});

test("a path where nothing is is said to be none", async () => {
  expect(await refusal(list("none"))).toEqual(["FILE_NOT_FOUND", "archive or folder of pictures not found: none", "Check the path."]);
});

test("a folder with a link is refused", async () => {
  const root = tree(pets);
  symlinkSync("/etc/passwd", join(root, "cat/3.png"));
  expect(await refused(root)).toEqual([
    'pets.zip must be a folder of pictures, but holds the link "cat/3.png"',
    "Put the file itself in its place, or leave it out.",
  ]);
});

describe("what changes while it is read is noticed", () => {
  test("an archive", async () => {
    const path = fileOf(zipOf(pets), "pets.zip");
    const listing = await list(path);
    await listing.unchanged();
    appendFileSync(path, "x");
    const [, message, fix] = await refusal(listing.unchanged());
    expect([message, fix]).toEqual([
      `${path} must be a ZIP archive of pictures, but changed while it was read`,
      "Import it again once nobody writes to it.",
    ]);
    rmSync(path);
    await expect(listing.unchanged()).rejects.toThrow("changed while it was read");
  });

  test("a file of a folder that is written to, exchanged or taken away", async () => {
    const changes: ((path: string) => void)[] = [
      (path) => appendFileSync(path, "x"),
      (path) => utimesSync(path, 1, 1),
      (path) => {
        writeFileSync(`${path}.new`, pets["dog/1.png"]!);
        renameSync(`${path}.new`, path);
      },
      rmSync,
    ];
    for (const change of changes) {
      const root = tree(pets);
      const { files } = await list(root);
      const reader = new PlaceReader();
      change(join(root, "cat/1.png"));
      expect(() => reader.read(files[0]!)).toThrow(Changed);
      reader.close();
    }
  });
});

test("empty folders are known", async () => {
  const root = tree(pets);
  mkdirSync(join(root, "cow"));
  expect((await list(root)).folders).toContain("cow");
});
