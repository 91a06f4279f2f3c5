/** Pictures that are the same are found, those that look the same are told from those that do not. */
import sharp, { type Sharp } from "sharp";
import { expect, test } from "vitest";
import { blocks } from "../../../test/pictures.ts";
import { random } from "../../shared/random.ts";
import { Alike, type Like } from "./alike.ts";
import { decode } from "./decode.ts";

const side = 24;
function likenesses(pictures: readonly Uint8Array[], order?: readonly number[], shape: readonly [number, number, number] = [3, side, side]): Like[] {
  const alike = new Alike(shape, pictures.length);
  for (const picture of pictures) alike.add(picture);
  return [...alike.likenesses(Uint32Array.from(order ?? pictures.keys()))];
}
const planes = async (picture: Sharp) => (await decode(await picture.png().toBuffer(), side, side)).planes.pixels;
/** Something with a drift of brightness, as photographs have. */
async function photograph(seed: number) {
  const cells = Uint8Array.from(random("cells", seed).fillUniform(new Float32Array(5 * 5 * 3), 0, 256));
  return sharp(
    await sharp(cells, { raw: { width: 5, height: 5, channels: 3 } })
      .resize(96, 96, { kernel: "cubic" })
      .png()
      .toBuffer(),
  );
}

test("the same bytes are, one byte less is not", async () => {
  const some = await Promise.all([0, 1, 2].map((i) => planes(blocks(i))));
  const other = some[1]!.map((value, i) => (i === side * side * 3 - 1 ? value ^ 0x80 : value));
  expect(likenesses([...some, some[1]!, other]).filter(({ exact }) => exact)).toEqual([{ at: 3, like: 1, exact: true }]);
});

test("a picture saved again at a lower quality, brighter, or at another size looks the same; other pictures do not", async () => {
  const all: Uint8Array[] = [];
  for (let i = 0; i < 40; i++) all.push(await planes(await photograph(i)));
  expect(likenesses(all)).toEqual([]);
  const original = await photograph(7);
  const again = [
    sharp(await original.clone().jpeg({ quality: 60 }).toBuffer()),
    original.clone().linear(1, 2),
    sharp(await original.clone().resize(70, 70).png().toBuffer()),
  ];
  for (const copy of again) expect(likenesses([...all, await planes(copy)])).toEqual([{ at: 40, like: 7, exact: false }]);
});

test("flat pictures of two shades do not look the same, though neither has an edge", () => {
  const flat = (value: number) => new Uint8Array(side * side * 3).fill(value);
  expect(likenesses([flat(10), flat(200), flat(11)])).toEqual([{ at: 2, like: 0, exact: false }]);
});

test("the earlier one is the one that comes first in the order asked for", async () => {
  const one = await planes(blocks(1));
  expect(likenesses([one, one, one], [2, 0, 1])).toEqual([
    { at: 0, like: 2, exact: true },
    { at: 1, like: 2, exact: true },
  ]);
});

test("pictures of a pixel, and of sides that are no multiples of anything, are compared", () => {
  expect(likenesses([Uint8Array.of(1), Uint8Array.of(250), Uint8Array.of(1)], undefined, [1, 1, 1])).toEqual([{ at: 2, like: 0, exact: true }]);
  const odd = Uint8Array.from({ length: 5 * 13 }, (_, i) => (i * 37) % 256);
  expect(likenesses([odd, odd.map((value) => 255 - value), odd], undefined, [1, 13, 5])).toEqual([{ at: 2, like: 0, exact: true }]);
});

test("among a hundred thousand different pictures none is taken for another", () => {
  const count = 100_000;
  const alike = new Alike([1, 4, 4], count);
  const pixels = new Uint8Array(16 * count);
  const words = new Uint32Array(pixels.buffer);
  for (let i = 0; i < count; i++) words[4 * i + (i % 4)] = i + 1;
  alike.add(pixels);
  expect([...alike.likenesses(Uint32Array.from({ length: count }, (_, i) => i))].filter(({ exact }) => exact)).toEqual([]);
});
