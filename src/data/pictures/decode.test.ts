/** Files of all kinds become the same pixels, whatever reads them. */
import { readFileSync } from "node:fs";
import sharp, { type Sharp } from "sharp";
import { describe, expect, test } from "vitest";
import { decode } from "./decode.ts";
import { shrunkJpeg } from "./jpeg.ts";
import { type Planes, resized } from "./planes.ts";
import { plainPng } from "./png.ts";

/** A smooth picture with a corner of detail. */
function picture(width: number, height: number, channels: 1 | 3 = 3): Sharp {
  const pixels = Uint8Array.from({ length: width * height * channels }, (_, i) => {
    const [c, x, y] = [i % channels, Math.floor(i / channels) % width, Math.floor(i / channels / width)];
    return 128 + 60 * Math.sin((x + 20 * c) / 9) + 40 * Math.cos(y / (7 + c)) + (x < width / 4 ? 20 * ((x + y) % 2) : 0);
  });
  return sharp(pixels, { raw: { width, height, channels } });
}
/** All of a picture, by sharp alone. */
async function whole(file: Buffer): Promise<Planes> {
  const { space } = await sharp(file).metadata();
  const flat = sharp(file).flatten({ background: "white" }).toColourspace(space);
  const { data, info } = await flat.raw().toBuffer({ resolveWithObject: true });
  const channels = info.channels as 1 | 3;
  const size = info.width * info.height;
  return { channels, height: info.height, width: info.width, pixels: data.map((_, i) => data[(i % size) * channels + Math.floor(i / size)]!) };
}
const difference = (a: Uint8Array, b: Uint8Array): number => a.reduce((sum, value, i) => sum + Math.abs(value - b[i]!), 0) / a.length;
const most = (a: Uint8Array, b: Uint8Array): number => a.reduce((worst, value, i) => Math.max(worst, Math.abs(value - b[i]!)), 0);

describe("a JPEG", () => {
  const files: readonly (readonly [name: string, file: () => Promise<Buffer>])[] = [
    ["in colour", () => picture(320, 240).jpeg({ quality: 90, chromaSubsampling: "4:4:4" }).toBuffer()],
    ["with colours at half the size", () => picture(320, 240).jpeg({ quality: 90, chromaSubsampling: "4:2:0" }).toBuffer()],
    ["whose sides are no multiples of 8", () => picture(331, 243).jpeg({ quality: 90 }).toBuffer()],
    ["in grey", () => picture(320, 240, 1).toColourspace("b-w").jpeg({ quality: 90 }).toBuffer()],
    ["with codes of its own", () => picture(320, 240).jpeg({ quality: 30, optimiseCoding: true }).toBuffer()],
    ["with restart markers and colours halved across", async () => readFileSync("test/data/pictures/halved-restarts.jpg")],
  ];
  test.each(files)("%s is at a quarter and an eighth what all of it becomes at that size", async (_, make) => {
    const file = await make();
    const all = await whole(file);
    for (const shrink of [6.5, 13]) {
      const [width, height] = [Math.floor(all.width / shrink), Math.floor(all.height / shrink)];
      const { planes, format } = await decode(file, width, height);
      expect(shrunkJpeg(file, width, height)).toBeDefined();
      expect(format).toBe("jpeg");
      expect(planes).toMatchObject({ channels: all.channels, width, height });
      expect(difference(planes.pixels, resized(all, width, height).pixels)).toBeLessThan(2.5);
    }
  });

  test.each([
    ["progressive", () => picture(320, 240).jpeg({ progressive: true }).toBuffer()],
    ["CMYK", () => picture(320, 240).toColourspace("cmyk").jpeg().toBuffer()],
    ["with an orientation", () => picture(320, 240).withMetadata({ orientation: 6 }).jpeg().toBuffer()],
    ["with a colour profile", () => picture(320, 240).withIccProfile("p3").jpeg().toBuffer()],
  ])("that is %s is left to sharp", async (_, make) => {
    const file = await make();
    expect(shrunkJpeg(file, 40, 30)).toBeUndefined();
    expect((await decode(file, 40, 30)).planes.pixels).toHaveLength(3 * 40 * 30);
  });

  test("in CMYK has its colours", async () => {
    const red = sharp(
      Uint8Array.from({ length: 192 }, (_, i) => (i % 3 === 0 ? 220 : 20)),
      { raw: { width: 8, height: 8, channels: 3 } },
    );
    const { planes, channels } = await decode(await red.toColourspace("cmyk").jpeg({ quality: 100 }).toBuffer(), 1, 1);
    const [r, g, b] = planes.pixels;
    expect(channels).toBe(4);
    expect(r! > 180 && g! < 80 && b! < 80).toBe(true);
  });

  test("that is cut off anywhere, or of which a byte is wrong, is none", async () => {
    const file = await picture(160, 120).jpeg().toBuffer();
    for (let length = 0; length < file.length - 20; length += 97) expect(shrunkJpeg(file.subarray(0, length), 20, 15)).toBeUndefined();
    await expect(decode(file.subarray(0, file.length >> 1), 20, 15)).rejects.toThrow("VipsJpeg");
    // Whatever a byte becomes, it is read or it is not: nothing is thrown and nothing takes for ever.
    for (let at = 2; at < file.length; at += 13) {
      const damaged = Buffer.from(file);
      damaged[at]! ^= 0x5a;
      const read = shrunkJpeg(damaged, 20, 15);
      if (read) expect(read.pixels).toHaveLength(read.channels * read.width * read.height);
    }
  });
});

describe("a PNG", () => {
  const kinds: readonly (readonly [name: string, file: () => Promise<Buffer>])[] = [
    ["in colour", () => picture(50, 40).png().toBuffer()],
    ["in grey", () => picture(50, 40, 1).toColourspace("b-w").png().toBuffer()],
    ["in grey, half transparent", () => picture(50, 40, 1).toColourspace("b-w").ensureAlpha(0.3).png().toBuffer()],
    ["in colour, half transparent", () => picture(50, 40).ensureAlpha(0.7).png().toBuffer()],
    ["with a palette", () => picture(50, 40).png({ palette: true }).toBuffer()],
    ["with filters of all kinds", () => picture(50, 40).png({ adaptiveFiltering: true }).toBuffer()],
    ["not compressed", () => picture(50, 40).png({ compressionLevel: 0 }).toBuffer()],
  ];
  test.each(kinds)("%s has the pixels that sharp gives it", async (_, make) => {
    const file = await make();
    const own = plainPng(file)!;
    const all = await whole(file);
    expect([own.width, own.height]).toEqual([50, 40]);
    expect(own.channels).toBe(all.channels);
    expect(most(own.pixels, all.pixels)).toBeLessThanOrEqual(1);
  });

  test("of 16 bits, or interlaced, is left to sharp", async () => {
    const deep = await picture(50, 40).toColourspace("rgb16").png().toBuffer();
    const laced = await picture(50, 40).png({ progressive: true }).toBuffer();
    expect([plainPng(deep), plainPng(laced)]).toEqual([undefined, undefined]);
    const plain = (await decode(await picture(50, 40).png().toBuffer(), 50, 40)).planes.pixels;
    expect((await decode(laced, 50, 40)).planes.pixels).toEqual(plain);
    expect(most((await decode(deep, 50, 40)).planes.pixels, plain)).toBeLessThanOrEqual(1);
  });

  test("that is cut off or damaged is none", async () => {
    const file = await picture(50, 40).png().toBuffer();
    for (let length = 0; length < file.length; length += 61) expect(plainPng(file.subarray(0, length))).toBeUndefined();
    const damaged = Buffer.from(file);
    damaged[file.length >> 1]! ^= 1;
    expect(plainPng(damaged)).toBeUndefined();
    await expect(decode(damaged, 50, 40)).rejects.toThrow();
  });
});

describe("a BMP", () => {
  /** Rows from the bottom, each filled up to 4 bytes. */
  function bmp(
    width: number,
    height: number,
    depth: number,
    pixels: number[],
    { palette = [], masks = [] }: { palette?: number[]; masks?: number[] } = {},
  ) {
    const header = Buffer.alloc(54 + 4 * masks.length + palette.length);
    header.write("BM");
    header.writeUInt32LE(header.length, 10);
    header.writeUInt32LE(40, 14);
    header.writeInt32LE(width, 18);
    header.writeInt32LE(height, 22);
    header.writeUInt16LE(depth, 28);
    header.writeUInt32LE(masks.length ? 3 : 0, 30);
    for (const [i, mask] of masks.entries()) header.writeUInt32LE(mask, 54 + 4 * i);
    header.set(palette, 54 + 4 * masks.length);
    return Buffer.concat([header, Buffer.from(pixels)]);
  }
  const rgb = async (file: Buffer, width: number, height: number) => [...(await decode(file, width, height)).planes.pixels];

  test("of 24 bits has its last row first, and blue before red", async () => {
    const rows = [...[1, 2, 3, 4, 5, 6, 0, 0], ...[7, 8, 9, 10, 11, 12, 0, 0]];
    expect(await rgb(bmp(2, 2, 24, rows), 2, 2)).toEqual([...[9, 12, 3, 6], ...[8, 11, 2, 5], ...[7, 10, 1, 4]]);
    expect(await rgb(bmp(2, -2, 24, rows), 2, 2)).toEqual([...[3, 6, 9, 12], ...[2, 5, 8, 11], ...[1, 4, 7, 10]]);
  });

  test("with a palette has 1, 4 or 8 bits a pixel", async () => {
    const palette = [...[10, 20, 30, 0], ...[40, 50, 60, 0]];
    const expected = [...[60, 30, 60], ...[50, 20, 50], ...[40, 10, 40]];
    expect(await rgb(bmp(3, 1, 1, [0b10100000, 0, 0, 0], { palette }), 3, 1)).toEqual(expected);
    expect(await rgb(bmp(3, 1, 4, [0x10, 0x10, 0, 0], { palette }), 3, 1)).toEqual(expected);
    expect(await rgb(bmp(3, 1, 8, [1, 0, 1, 0], { palette }), 3, 1)).toEqual(expected);
  });

  test("of 16 and 32 bits has red, green and blue where its masks say", async () => {
    expect(await rgb(bmp(1, 1, 16, [0x1f, 0, 0, 0]), 1, 1)).toEqual([0, 0, 255]);
    expect(await rgb(bmp(1, 1, 16, [0xe0, 0x07, 0, 0], { masks: [0xf800, 0x07e0, 0x1f] }), 1, 1)).toEqual([0, 255, 0]);
    expect(await rgb(bmp(1, 1, 32, [1, 2, 3, 0]), 1, 1)).toEqual([3, 2, 1]);
    expect(await rgb(bmp(1, 1, 32, [1, 2, 3, 0], { masks: [0xff, 0xff00, 0xff0000] }), 1, 1)).toEqual([1, 2, 3]);
  });

  test("that is none, cut off or packed says so", async () => {
    const packed = bmp(2, 2, 8, []);
    packed.writeUInt32LE(1, 30);
    await expect(decode(packed, 2, 2)).rejects.toThrow("it is compressed as run lengths of 8 bits");
    await expect(decode(bmp(2, 2, 24, [1, 2, 3]), 2, 2)).rejects.toThrow("it is cut off after 57 of 70 bytes");
    await expect(decode(bmp(60000, 60000, 24, []), 2, 2)).rejects.toThrow("Input image exceeds pixel limit");
    await expect(decode(bmp(2, 2, 7, []), 2, 2)).rejects.toThrow("it has 7 bits a pixel");
    await expect(decode(Buffer.from("BM"), 2, 2)).rejects.toThrow("it is cut off after 2 bytes");
  });
});

test.each(["webp", "gif", "tiff", "avif"] as const)("%s is read, whatever its name", async (format) => {
  const { planes, ...found } = await decode(await picture(40, 30).toFormat(format, { quality: 95 }).toBuffer(), 20, 15);
  expect(found).toMatchObject({ format: format === "avif" ? "heif" : format, width: 40, height: 30 });
  expect(difference(planes.pixels, resized(await whole(await picture(40, 30).png().toBuffer()), 20, 15).pixels)).toBeLessThan(6);
});

test("of a moving GIF the first picture is taken", async () => {
  const frames = Buffer.concat([Buffer.alloc(192, 0), Buffer.alloc(192, 255)]);
  const file = await sharp(frames, { raw: { width: 8, height: 16, channels: 3, pageHeight: 8 } })
    .gif({ delay: [100, 100], loop: 0 })
    .toBuffer();
  expect([...(await decode(file, 1, 1)).planes.pixels]).toEqual([0, 0, 0]);
});

describe("a picture brought to a size", () => {
  const grey = (width: number, height: number, pixels: number[]): Planes => ({ channels: 1, width, height, pixels: Uint8Array.from(pixels) });
  test("keeps what is the same everywhere", () => {
    for (const [width, height] of [
      [1, 1],
      [3, 7],
      [64, 2],
    ] as const)
      expect(new Set(resized(grey(5, 4, new Array(20).fill(77)), width, height).pixels)).toEqual(new Set([77]));
  });
  test("has means of what falls together, and values between when it grows: as Pillow's bilinear filter", () => {
    expect([...resized(grey(4, 1, [0, 0, 200, 200]), 2, 1).pixels]).toEqual([29, 171]);
    expect([...resized(grey(2, 1, [0, 200]), 4, 1).pixels]).toEqual([0, 50, 150, 200]);
    expect([...resized(grey(8, 1, [0, 10, 20, 30, 40, 50, 60, 250]), 3, 1).pixels]).toEqual([11, 35, 111]);
  });
});
