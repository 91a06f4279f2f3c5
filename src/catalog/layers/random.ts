/** Layers that are random in training and plain otherwise. What they draw is a function of seed and step. */
import { constant, known, scalar, type Value } from "../../engine/graph.ts";
import { type LayerContext, layer } from "../../engine/kinds.ts";
import { add, cast, equal, floor, greaterOrEqual, less, matmul, mul, slice, where } from "../../engine/ops.ts";
import { boolean, integer, integers, number } from "../../shared/define.ts";

export const dropout = layer({
  id: "Dropout",
  title: "Dropout",
  summary: "Sets a random share of values to zero in training and scales the rest up, so that no unit is relied on alone.",
  reference: "https://jmlr.org/papers/v15/srivastava14a.html",
  arity: "one",
  params: { rate: number({ default: 0.5, min: 0, max: 0.99, help: "Share of values set to zero." }) },
  build({ inputs: [x], training, random }, { rate }) {
    if (!training || rate === 0) return x!;
    const kept = greaterOrEqual(random(known(x!.shape)), rate);
    return mul(x!, mul(cast(kept, "float32"), 1 / (1 - rate)));
  },
});

const picture = ({ inputs: [x], expect }: LayerContext): readonly [Value, number, number] => {
  expect(x!.shape.length === 4, "[batch, channels, height, width]");
  return [x!, Number(x!.shape[2]), Number(x!.shape[3])];
};

/** A random integer from `low` to `high` for each sample, float32 [batch, 1, 1, 1]. */
const randomInteger = ({ random, inputs: [x] }: LayerContext, low: number, high: number): Value =>
  add(floor(mul(random([Number(x!.shape[0]), 1, 1, 1]), high - low + 1)), low);

/**
 * Row selection by a matrix of zeros and ones: out[i] = in[i + offset], zero where that is outside.
 * @returns [batch, 1, to, from]
 */
const selection = (from: number, to: number, offset: Value): Value => {
  const grid = (length: number, shape: readonly number[]) => constant({ dtype: "float32", shape, data: Float32Array.from({ length }, (_, i) => i) });
  return cast(equal(grid(from, [1, 1, 1, from]), add(grid(to, [1, 1, to, 1]), offset)), "float32");
};

/** A window of each picture whose corner is at its own place, zeros outside: rows · picture · columns. */
const shifted = (x: Value, [height, width]: readonly [number, number], down: Value, right: Value): Value => {
  const [h, w] = known(x.shape.slice(2)) as [number, number];
  return matmul(matmul(selection(h, height, down), x), selection(w, width, right), { tB: true });
};

export const randomFlip = layer({
  id: "RandomFlip",
  title: "Random flip",
  summary: "Mirrors half of the pictures, chosen anew at every step.",
  arity: "one",
  augments: "pictures",
  params: {
    horizontal: boolean({ default: true, help: "Mirror left and right." }),
    vertical: boolean({ default: false, help: "Mirror top and bottom." }),
  },
  build(context, { horizontal, vertical }) {
    const [x, height, width] = picture(context);
    if (!context.training) return x;
    const batch = Number(x.shape[0]);
    const flip = (v: Value, axis: number, size: number) => {
      const chosen = less(context.random([batch, 1, 1, 1]), 0.5);
      return where(chosen, slice(v, { starts: [size - 1], ends: [-size - 1], axes: [axis], steps: [-1] }), v);
    };
    const sideways = horizontal ? flip(x, 3, width) : x;
    return vertical ? flip(sideways, 2, height) : sideways;
  },
});

export const randomShift = layer({
  id: "RandomShift",
  title: "Random shift",
  summary: "Moves each picture by whole pixels, chosen anew at every step; what comes in is zero.",
  arity: "one",
  augments: "pictures",
  params: {
    down: integer({ default: 2, min: 0, help: "Largest move up or down, in pixels." }),
    right: integer({ default: 2, min: 0, help: "Largest move left or right, in pixels." }),
  },
  build(context, { down, right }) {
    const [x, height, width] = picture(context);
    return context.training ? shifted(x, [height, width], randomInteger(context, -down, down), randomInteger(context, -right, right)) : x;
  },
});

export const randomCrop = layer({
  id: "RandomCrop",
  title: "Random crop",
  summary: "Cuts a window at a random place of each picture, padded with zeros; in the middle when not training.",
  reference: "https://arxiv.org/abs/1512.03385",
  arity: "one",
  augments: "pictures",
  params: {
    size: integers({ default: [32, 32], length: 2, min: 1, help: "Height and width of the window." }),
    padding: integer({ default: 4, min: 0, help: "Zeros around the picture before cutting, in pixels." }),
  },
  build(context, { size: [height = 1, width = 1], padding }) {
    const [x, h, w] = picture(context);
    context.expect(h + 2 * padding >= height && w + 2 * padding >= width, `a picture of at least ${height} by ${width} with its padding`);
    const middle = [Math.floor((h - height) / 2), Math.floor((w - width) / 2)] as const;
    if (!context.training) {
      const centred = scalar(0, "float32", [1, 1, 1, 1]);
      return middle[0] || middle[1] || h !== height || w !== width
        ? shifted(x, [height, width], add(centred, middle[0]), add(centred, middle[1]))
        : x;
    }
    // The window's corner is uniform from -padding to size - window + padding.
    const corner = (free: number) => randomInteger(context, -padding, free + padding);
    return shifted(x, [height, width], corner(h - height), corner(w - width));
  },
});
