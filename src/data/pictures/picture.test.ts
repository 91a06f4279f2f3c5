import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import sharp from "sharp";
import { expect, test } from "vitest";
import { readPicture } from "./picture.ts";

const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => "accepted",
    ({ code, message, fix }) => [code, message, fix],
  );
function file(content: string | Uint8Array): string {
  const path = join(mkdtempSync(join(tmpdir(), "trainyard-picture-")), "picture");
  writeFileSync(path, content);
  return path;
}
const raw = (pixels: number[], width: number, height: number, channels: 1 | 3 | 4) =>
  sharp(Uint8Array.from(pixels), { raw: { width, height, channels } });
/** A JPEG of one pixel that claims to have 9000 x 9000. */
async function bomb(): Promise<Buffer> {
  const jpeg = await raw([0], 1, 1, 1).jpeg().toBuffer();
  const frame = jpeg.indexOf(Buffer.of(0xff, 0xc0)); // marker, length, precision, height, width
  jpeg.writeUInt16BE(9000, frame + 5);
  jpeg.writeUInt16BE(9000, frame + 7);
  return jpeg;
}

test("a digit of MNIST saved as PNG comes back byte by byte", async () => {
  const digit = Uint8Array.from(gunzipSync(readFileSync("test/data/mnist/t10k-images-idx3-ubyte.gz")).subarray(16, 16 + 784));
  const path = file(
    await sharp(digit, { raw: { width: 28, height: 28, channels: 1 } })
      .png()
      .toBuffer(),
  );
  expect(await readPicture(path, [1, 28, 28])).toEqual(digit);
});

test("colours come as three planes, and a grey picture as three equal ones", async () => {
  const colours = file(await raw([10, 20, 30, 40, 50, 60], 2, 1, 3).png().toBuffer());
  expect([...(await readPicture(colours, [3, 1, 2]))]).toEqual([10, 40, 20, 50, 30, 60]);
  const grey = file(await raw([7, 9], 2, 1, 1).png().toBuffer());
  expect([...(await readPicture(grey, [3, 1, 2]))]).toEqual([7, 9, 7, 9, 7, 9]);
});

test("what is transparent becomes white", async () => {
  const path = file(await raw([0, 0, 0, 0, 0, 0, 0, 255], 2, 1, 4).png().toBuffer());
  expect([...(await readPicture(path, [1, 1, 2]))]).toEqual([255, 0]);
});

test("sixteen bits a channel become eight", async () => {
  const deep = await raw([0, 128, 255], 3, 1, 1).toColourspace("grey16").png().toBuffer();
  expect([...(await readPicture(file(deep), [1, 1, 3]))]).toEqual([0, 128, 255]);
});

test("a picture is turned upright as its EXIF entry says", async () => {
  const sideways = await raw([0, 0, 0, 255, 255, 255], 2, 1, 3).withMetadata({ orientation: 6 }).png().toBuffer(); // shown a quarter turn clockwise
  expect([...(await readPicture(file(sideways), [1, 2, 1]))]).toEqual([0, 255]);
});

test("a picture of another size is stretched to fit", async () => {
  const path = file(
    await raw(
      Array.from({ length: 800 }, (_, i) => (i % 40 < 20 ? 0 : 255)),
      40,
      20,
      1,
    )
      .png()
      .toBuffer(),
  );
  const half = await readPicture(path, [1, 4, 4]);
  expect(half).toHaveLength(16);
  expect([half[0], half[3]]).toEqual([0, 255]);
});

test.each([
  ["text", "no picture", "Input buffer contains unsupported image format"],
  ["a drawing", `<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>`, "its format is svg"],
  ["a picture made to fill the memory", await bomb(), "Input image exceeds pixel limit"],
])("%s is refused", async (_, content, reason) => {
  const path = file(content);
  expect(await refusal(readPicture(path, [1, 28, 28]))).toEqual([
    "BAD_FILE",
    `${path} must be a picture, but cannot be read as one (${reason})`,
    "Save it as JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF, of at most 67108864 pixels.",
  ]);
});

test("a missing picture, and a count of channels that no picture has, are refused", async () => {
  expect(await refusal(readPicture("none.png", [1, 28, 28]))).toEqual(["FILE_NOT_FOUND", "picture not found: none.png", "Check the path."]);
  expect(await refusal(readPicture("none.png", [2, 28, 28]))).toEqual([
    "BAD_PARAMETER",
    "readPicture: channels must be 1 (grey) or 3 (RGB), but is 2",
    "Give channels as 1 (grey) or 3 (RGB).",
  ]);
});
