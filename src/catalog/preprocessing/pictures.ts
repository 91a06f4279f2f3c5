/** Steps for pictures: pixels stay bytes, which training keeps in memory, until the last step scales them. */

import { type PictureShape, pictureStep } from "../../data/kinds.ts";
import { constant, int64s, type Value } from "../../engine/graph.ts";
import { add, cast, clip, floor, gather, matmul, mul, reduceSum, slice, sub } from "../../engine/ops.ts";
import { choice, integer, numbers } from "../../shared/define.ts";
import { fail, showShape } from "../../shared/errors.ts";

const size = {
  height: integer({ default: 32, min: 1, max: 4096, help: "Rows of pixels." }),
  width: integer({ default: 32, min: 1, max: 4096, help: "Pixels in a row." }),
};
/** Values from 0 to 255, rounded to bytes. */
const toBytes = (x: Value): Value => cast(clip(floor(add(x, 0.5)), 0, 255), "uint8");
const unsuited = (step: string, shape: PictureShape, want: string, fix: string) =>
  fail("BAD_PREPROCESSING", { where: `step ${step}`, problem: `it takes pictures ${want}, but they are ${showShape(shape)} here`, fix });

/** Row i: how much each of `from` pixels counts for pixel i of `to`. As Pillow and PyTorch (antialias) do it. */
function weights(from: number, to: number): Float32Array {
  const scale = from / to;
  const reach = Math.max(scale, 1); // of the triangle: when shrinking it covers all pixels that fall together
  const table = new Float32Array(to * from);
  for (let i = 0; i < to; i++) {
    const centre = (i + 0.5) * scale;
    const row = Float64Array.from({ length: from }, (_, j) => Math.max(0, 1 - Math.abs(j + 0.5 - centre) / reach));
    const total = row.reduce((a, b) => a + b, 0);
    for (let j = 0; j < from; j++) table[i * from + j] = row[j]! / total;
  }
  return table;
}
const matrix = (rows: number, columns: number, data: Float32Array): Value => constant({ dtype: "float32", shape: [rows, columns], data });
/** The pixel in whose middle a pixel of the new length lies. */
const nearest = (from: number, to: number): Value => int64s(Array.from({ length: to }, (_, i) => Math.floor(((i + 0.5) * from) / to)));

export const resize = pictureStep({
  id: "resize",
  title: "Resize",
  summary: "Brings pictures to another height and width; the ratio of the two may change.",
  reference: "https://pillow.readthedocs.io/en/stable/handbook/concepts.html#filters",
  computation: "linear: means weighted by a triangle as wide as a new pixel; nearest: the pixel at the place",
  params: {
    ...size,
    method: choice({ default: "linear", options: ["linear", "nearest"], help: "linear: smooth. nearest: no colour that was not there." }),
  },
  shape: ([channels], { height, width }) => [channels, height, width],
  build(pixels, { height, width, method }) {
    const [h, w] = pixels.shape.slice(2) as [number, number];
    if (method === "nearest") return gather(gather(pixels, nearest(h, height), 2), nearest(w, width), 3);
    const across = matmul(cast(pixels, "float32"), matrix(width, w, weights(w, width)), { tB: true });
    return toBytes(matmul(matrix(height, h, weights(h, height)), across));
  },
});

export const centreCrop = pictureStep({
  id: "centre-crop",
  title: "Centre crop",
  summary: "Keeps the middle of a picture.",
  computation: "the middle height x width pixels",
  params: size,
  shape(shape, { height, width }) {
    const [channels, h, w] = shape;
    if (height > h || width > w)
      throw unsuited("centre-crop", shape, `of at least ${height} x ${width}`, "Crop to no more than the picture has, or resize it first.");
    return [channels, height, width];
  },
  build(pixels, { height, width }) {
    const [h, w] = pixels.shape.slice(2) as [number, number];
    const starts = [Math.floor((h - height) / 2), Math.floor((w - width) / 2)] as const;
    return slice(pixels, { starts, ends: [starts[0] + height, starts[1] + width], axes: [2, 3] });
  },
});

export const grayscale = pictureStep({
  id: "grayscale",
  title: "Grayscale",
  summary: "Makes one channel of three. Pictures of one channel stay as they are.",
  reference: "https://www.itu.int/rec/R-REC-BT.601",
  computation: "0.299 red + 0.587 green + 0.114 blue",
  params: {},
  shape(shape) {
    const [channels, h, w] = shape;
    if (channels !== 1 && channels !== 3) throw unsuited("grayscale", shape, "of one or three channels", "Leave the step out.");
    return [1, h, w];
  },
  build(pixels) {
    if (pixels.shape[1] === 1) return pixels;
    const shares = constant({ dtype: "float32", shape: [1, 3, 1, 1], data: Float32Array.of(0.299, 0.587, 0.114) });
    return toBytes(reduceSum(mul(cast(pixels, "float32"), shares), [1], { keep: true }));
  },
});

export const invert = pictureStep({
  id: "invert",
  title: "Invert",
  summary: "Makes black white and white black.",
  computation: "255 - x",
  params: {},
  build: (pixels) => cast(sub(255, cast(pixels, "int32")), "uint8"),
});

export const normalise = pictureStep({
  id: "normalise",
  title: "Normalise",
  summary:
    "Brings pixels to a range that suits networks: mean 0 and deviation 1 in each channel of the training pictures, or as you say. Steps that change pixels come before it.",
  computation: "(x - mean) / deviation",
  params: {
    mean: numbers({
      default: [],
      help: "What is taken off, of all channels or of each; empty, as is deviation: the mean of each channel in training.",
    }),
    deviation: numbers({ default: [], min: 1e-6, help: "What is divided by. Mean 0 and deviation 255 bring pixels to 0 to 1." }),
  },
  check({ mean, deviation }) {
    if (mean.length === deviation.length) return undefined;
    return { name: "deviation", want: `as many numbers as mean, which has ${mean.length}`, got: `${deviation.length} numbers` };
  },
  shape(shape, { mean: { length } }) {
    if (length > 1 && length !== shape[0])
      throw unsuited("normalise", shape, `of ${length} channels`, "Give one mean and deviation, or one for each channel.");
    return shape;
  },
  async scale(training, { mean, deviation }) {
    if (mean.length) return { mean, deviation };
    const moments = await training();
    return { mean: moments.mean, deviation: moments.deviation.map((d) => d || 1) };
  },
});
