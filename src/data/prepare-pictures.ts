/** Pictures: steps that change pixels are run once and leave bytes; those that scale them become one scale, computed in the training's graphs. */
import { input } from "../engine/graph.ts";
import type { FittedStep, Preparation } from "../shared/dataset.ts";
import type { Rows } from "./batches.ts";
import { throughPixels } from "./front.ts";
import type { Moments, PictureShape, PictureStep } from "./kinds.ts";
import { computed } from "./prepare-table.ts";
import { type Step, settled } from "./steps.ts";

/** Bytes that a batch of pictures may have. */
const BATCH_BYTES = 2 ** 24;

export interface PreparedPictures {
  readonly preparation: Preparation;
  readonly shape: PictureShape;
  readonly normalisation: Moments;
  /** Puts the pictures of a split from a place in `out` on. */
  fill(out: Uint8Array, start: number, rows: Rows): Promise<void>;
}

/** @param training the pictures that may be learnt from */
export async function preparePictures(
  steps: readonly Step<PictureStep>[],
  raw: PictureShape,
  training: Rows,
  fitted?: readonly FittedStep[],
): Promise<PreparedPictures> {
  const shape = steps.reduce((before, { kind, params }) => kind.shape?.(before, params as never) ?? before, raw);
  const pixels = (rows: Rows) => pixelsAfter(steps, raw, rows);
  let seen: Promise<Moments> | undefined;
  let normalisation: Moments | undefined;
  const done: FittedStep[] = [];
  for (const [i, step] of steps.entries()) {
    const { kind, params } = step;
    if (!kind.scale) {
      done.push(settled(step));
      continue;
    }
    const before = normalisation;
    const known = fitted?.[i]?.fitted as Moments | undefined;
    const learn = async () => {
      seen ??= momentsOf(pixels(training), shape);
      return before ? inside(await seen, before) : seen;
    };
    const own = known ?? (await kind.scale(learn, params as never));
    normalisation = before ? composed(before, own) : own;
    done.push({ ...settled(step), fitted: { mean: own.mean, deviation: own.deviation } });
  }
  return {
    shape,
    normalisation: normalisation ?? { mean: [0], deviation: [1] },
    preparation: { steps: done, inputs: [], pictureShape: raw, features: [], origins: [] },
    async fill(out, start, rows) {
      let at = start;
      for await (const block of pixels(rows)) {
        out.set(block, at);
        at += block.length;
      }
    },
  };
}

/** The pixels of each batch after the steps that change them. */
export async function* pixelsAfter(steps: readonly Step<PictureStep>[], raw: PictureShape, rows: Rows): AsyncGenerator<Uint8Array> {
  const perBatch = Math.max(1, Math.floor(BATCH_BYTES / raw.reduce((a, b) => a * b, 1)));
  if (!steps.some(({ kind }) => kind.build)) {
    for await (const { feeds } of rows(perBatch, new Set(["input"]))) yield feeds.input!.data as Uint8Array;
    return;
  }
  const entering = input("input", "uint8", ["batch", ...raw]);
  for await (const { pixels } of computed([entering], { pixels: throughPixels(steps, entering) }, rows, perBatch)) yield pixels!.data as Uint8Array;
}

/** Mean and deviation of each channel, from how often each of the 256 values occurs: exact whatever the number of pictures. */
async function momentsOf(blocks: AsyncIterable<Uint8Array>, [channels, height, width]: PictureShape): Promise<Moments> {
  const histograms = Array.from({ length: channels }, () => new Float64Array(256));
  const size = height * width;
  for await (const block of blocks)
    for (let at = 0, channel = 0; at < block.length; at += size, channel = (channel + 1) % channels) {
      const histogram = histograms[channel]!;
      for (let i = at; i < at + size; i++) histogram[block[i]!]!++;
    }
  const each = histograms.map((histogram) => {
    const count = histogram.reduce((a, b) => a + b, 0);
    const mean = histogram.reduce((sum, n, value) => sum + n * value, 0) / count;
    return { mean, deviation: Math.sqrt(histogram.reduce((sum, n, value) => sum + n * (value - mean) ** 2, 0) / count) };
  });
  return { mean: each.map(({ mean }) => mean), deviation: each.map(({ deviation }) => deviation) };
}

/** One for all, or one for each channel, as many as the longer of two has. */
const pairs = (a: Moments, b: Moments) => {
  const of = ({ mean, deviation }: Moments, i: number) => ({ mean: mean[i] ?? mean[0]!, deviation: deviation[i] ?? deviation[0]! });
  return Array.from({ length: Math.max(a.mean.length, b.mean.length) }, (_, i) => [of(a, i), of(b, i)] as const);
};
const asMoments = (each: readonly { mean: number; deviation: number }[]): Moments => ({
  mean: each.map(({ mean }) => mean),
  deviation: each.map(({ deviation }) => deviation),
});
/** Moments of what was scaled. */
const inside = (moments: Moments, scale: Moments): Moments =>
  asMoments(pairs(moments, scale).map(([m, s]) => ({ mean: (m.mean - s.mean) / s.deviation, deviation: m.deviation / s.deviation })));
/** One scale after another: ((x - m1) / d1 - m2) / d2. */
const composed = (first: Moments, second: Moments): Moments =>
  asMoments(pairs(first, second).map(([a, b]) => ({ mean: a.mean + a.deviation * b.mean, deviation: a.deviation * b.deviation })));
