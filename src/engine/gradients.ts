/** The gradient of every op: the page to read first. `backward.ts` walks it. */
import { type Attributes, arrayOf, constant, int64s, known, type Shape, scalar, sizeOf, type Value } from "./graph.ts";
import * as o from "./ops.ts";
import { abs, add, cast, div, exp, greater, mul, neg, type Op, pow, sigmoid, sign, softmax, square, sub, transpose, where } from "./ops.ts";

/**
 * g = dL/dy   y = output   [a, b] = inputs   → one gradient per input, of a shape that broadcasting can stretch to the input's;
 * backward.ts stretches it, and undoes the broadcasting of inputs.
 * The last argument holds what few rules need: attributes, all outputs and their gradients.
 */
export type Rule = (g: Value, y: Value, inputs: Inputs, context: Context) => readonly (Value | undefined)[];
type Inputs = readonly [Value, Value, Value, ...Value[]];
interface Context {
  readonly attributes: Attributes;
  readonly outputs: readonly Value[];
  /** dL/d(output), zeros where the loss does not depend on it. */
  readonly gradients: readonly Value[];
}

/** An op that stops the gradient, and why. */
export interface Stop {
  readonly stops: string;
}
const stop = (why: string): Stop => ({ stops: why });

// biome-ignore format: a table reads as a page
export const gradients = {
  // arithmetic
  Add:               (g) => [g, g],
  Sub:               (g) => [g, neg(g)],
  Mul:               (g, _, [a, b]) => [mul(g, b), mul(g, a)],
  Div:               (g, y, [, b]) => [div(g, b), neg(div(mul(g, y), b))],
  Pow:               (g, y, [a, b]) => [mul(g, where(o.equal(b, 0), 0, mul(b, pow(a, sub(b, 1))))), where(greater(a, 0), mul(g, mul(y, o.log(a))), 0)],
  Neg:               (g) => [neg(g)],
  Abs:               (g, _, [x]) => [mul(g, sign(x))],
  Sqrt:              (g, y) => [div(g, mul(y, 2))],
  Exp:               (g, y) => [mul(g, y)],
  Log:               (g, _, [x]) => [div(g, x)],
  Erf:               (g, _, [x]) => [mul(g, mul(exp(neg(square(x))), 2 / Math.sqrt(Math.PI)))],
  Max:               (g, _, [a, b]) => tied(g, a, b),
  Min:               (g, _, [a, b]) => tied(g, b, a),
  Clip:              (g, y, [x]) => [where(o.equal(x, y), g, 0)],

  // activations
  Relu:              (g, y) => [mul(g, cast(greater(y, 0), g.dtype))],
  LeakyRelu:         (g, _, [x], { attributes: { alpha } }) => [where(greater(x, 0), g, mul(g, alpha as number))],
  Elu:               (g, y, [x], { attributes: { alpha } }) => [where(greater(x, 0), g, mul(g, add(y, alpha as number)))],
  Sigmoid:           (g, y) => [mul(g, mul(y, sub(1, y)))],
  Tanh:              (g, y) => [mul(g, sub(1, square(y)))],
  Softplus:          (g, _, [x]) => [mul(g, sigmoid(x))],
  Gelu:              (g, _, [x]) => [mul(g, add(normalCdf(x), mul(x, normalPdf(x))))],
  HardSwish:         (g, _, [x]) => [mul(g, where(greater(abs(x), 3), cast(greater(x, 0), x.dtype), add(div(x, 3), 0.5)))],
  Softmax:           (g, y) => [mul(y, sub(g, o.reduceSum(mul(g, y), [-1], { keep: true })))],
  LogSoftmax:        (g, _, [x]) => [sub(g, mul(softmax(x), o.reduceSum(g, [-1], { keep: true })))],

  // linear algebra
  MatMul:            (g, _, [a, b]) => [o.matmul(g, b, { tB: true }), o.matmul(a, g, { tA: true })],
  Gemm:              (g, _, inputs, { attributes }) => gemmGradient(g, inputs, attributes),
  Conv:              (g, _, inputs, { attributes }) => convGradient(g, inputs, attributes),
  ConvTranspose:     (g, _, inputs, { attributes }) => convTransposeGradient(g, inputs, attributes),

  // windows
  MaxPool:           (g, y, [x], { attributes }) => [maxPoolGradient(g, y, x, attributes)],
  AveragePool:       (g, _, [x], { attributes }) => [averagePoolGradient(g, x, attributes)],
  GlobalAveragePool: (g, _, [x]) => [div(g, sizeOf(x.shape.slice(2)))],

  // reductions: g keeps length 1 along the reduced axes; backward.ts stretches it
  ReduceSum:         (g, _, [x], c) => [keepAxes(g, x, c)],
  ReduceMean:        (g, _, [x], c) => [div(keepAxes(g, x, c), sizeOf(x.shape) / sizeOf(g.shape))],
  ReduceSumSquare:   (g, _, [x], c) => [mul(x, mul(keepAxes(g, x, c), 2))],
  ReduceMax:         (g, y, [x], c) => [reduceMaxGradient(keepAxes(g, x, c), keepAxes(y, x, c), x, c.attributes.axes as number[])],

  // shape and selection
  Cast:              (g, _, [x]) => [cast(g, x.dtype)],
  Where:             (g, _, [c]) => [undefined, where(c, g, 0), where(c, 0, g)],
  Reshape:           (g, _, [x]) => [o.reshape(g, x.shape)],
  Flatten:           (g, _, [x]) => [o.reshape(g, x.shape)],
  Transpose:         (g, _, __, { attributes: { perm } }) => [transpose(g, invert(perm as number[]))],
  Expand:            (g) => [g],
  Concat:            (g, _, inputs, { attributes: { axis } }) => o.split(g, inputs.map((v) => known(v.shape)[axis as number]!), axis as number),
  Split:             (_, __, ___, { gradients, attributes: { axis } }) => [o.concat(gradients, axis as number)],
  Slice:             (g, _, [x], { attributes }) => [sliceGradient(g, x, attributes)],
  Pad:               (g, _, [x], { attributes: { pads } }) => [window(g, (pads as number[]).slice(0, x.shape.length), known(x.shape))],
  Gather:            (g, _, [x, i], { attributes: { axis } }) => [gatherGradient(g, x, i, axis as number), undefined],

  // no gradient, and why
  Sign:              stop("piecewise constant"),
  Floor:             stop("piecewise constant"),
  IsNaN:             stop("a truth value, not a quantity"),
  Not:               stop("a truth value, not a quantity"),
  Equal:             stop("a truth value, not a quantity"),
  Less:              stop("a truth value, not a quantity"),
  LessOrEqual:       stop("a truth value, not a quantity"),
  Greater:           stop("a truth value, not a quantity"),
  GreaterOrEqual:    stop("a truth value, not a quantity"),
  ArgMax:            stop("an index, not a quantity"),
  OneHot:            stop("its input is an index, not a quantity"),
  SliceAt:           stop("it reads random numbers, which depend on no weight"),
  MaxUnpool:         stop("it only appears in gradients"),
  ScatterElements:   stop("it only appears in gradients"),
  TopK:              stop("what is among the nearest is a choice"),
  TreeEnsembleRegressor: stop("piecewise constant"),
  LabelEncoder:      stop("it reads strings"),
  MurmurHash3:       stop("it reads strings"),
  StringNormalizer:  stop("it reads strings"),
  Tokenizer:         stop("it reads strings"),
  TfIdfVectorizer:   stop("it reads strings"),
} satisfies Record<Op, Rule | Stop>;

// --- small helpers ---

/** Φ(x) = (1 + erf(x / √2)) / 2 */
const normalCdf = (x: Value) => mul(add(o.erf(mul(x, Math.SQRT1_2)), 1), 0.5);
/** φ(x) = exp(-x² / 2) / √(2π) */
const normalPdf = (x: Value) => mul(exp(mul(square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI));

/** max(a, b): each side gets the gradient where it is larger, half of it where they tie (as PyTorch does). */
const tied = (g: Value, a: Value, b: Value): Value[] => {
  const share = (p: Value, q: Value) => mul(g, mul(add(cast(greater(p, q), g.dtype), cast(o.greaterOrEqual(p, q), g.dtype)), 0.5));
  return [share(a, b), share(b, a)];
};

/** A reduced value with its reduced axes back, as length 1. */
const keepAxes = (v: Value, x: Value, { attributes: { axes } }: Context) =>
  o.reshape(
    v,
    x.shape.map((d, i) => ((axes as number[]).includes(i) ? 1 : d)),
  );

const invert = (perm: readonly number[]) => perm.map((_, i) => perm.indexOf(i));
const zeros = (x: Value, shape: Shape = x.shape) => scalar(0, x.dtype, known(shape));

/** The block of `shape` that starts at `starts`. */
const window = (x: Value, starts: readonly number[], shape: readonly number[]) =>
  o.slice(x, { starts, ends: starts.map((s, i) => s + shape[i]!), axes: shape.map((_, i) => i) });

// --- trickier gradients ---

/** y = op(a) · op(b) + c: each factor's gradient is a product with the other, transposed where the other was not. */
function gemmGradient(g: Value, [a, b]: Inputs, { transA, transB }: Attributes): Value[] {
  const da = transA ? o.gemm(b, g, undefined, { tA: Boolean(transB), tB: true }) : o.gemm(g, b, undefined, { tB: !transB });
  const db = transB ? o.gemm(g, a, undefined, { tA: true, tB: Boolean(transA) }) : o.gemm(a, g, undefined, { tA: !transA });
  return [da, db, g];
}

interface ConvAttributes {
  readonly strides: readonly [number, number];
  readonly pads: readonly number[];
  readonly dilations: readonly [number, number];
  readonly group: number;
}

/** dx is the transposed convolution of g; dw correlates g with the input (below); db sums g over all but the filters. */
function convGradient(g: Value, [x, w, b]: Inputs, attributes: Attributes): (Value | undefined)[] {
  const a = attributes as unknown as ConvAttributes;
  return [fullConvolution(g, x, w, a), correlate(x, g, w.shape, a), b && o.reduceSum(g, [0, 2, 3])];
}

/**
 * dx = the transposed convolution of g with w. With stride 1 it is also an ordinary one, with the kernels turned around and
 * filters and channels exchanged, which ONNX Runtime runs on all threads. That reads every filter of g kh · kw times,
 * where the other adds up every channel of x so often with one thread: the ordinary one for no more filters than channels.
 */
function fullConvolution(g: Value, x: Value, w: Value, a: ConvAttributes): Value {
  const [filters, channels, kh, kw] = known(w.shape) as [number, number, number, number];
  const plain = a.group === 1 && [...a.strides, ...a.dilations].every((s) => s === 1) && a.pads.every((p, i) => p < [kh, kw][i % 2]!);
  if (plain && filters <= channels) {
    const turned = o.slice(w, { starts: [kh - 1, kw - 1], ends: [-kh - 1, -kw - 1], axes: [2, 3], steps: [-1, -1] });
    return o.conv(g, transpose(turned, [1, 0, 2, 3]), undefined, { pads: a.pads.map((p, i) => [kh, kw][i % 2]! - 1 - p) });
  }
  // Rows of x that no window reached: strides that do not divide leave them.
  const outputPadding = [0, 1].map((i) => {
    const [size, out, kernel] = [known(x.shape)[i + 2]!, known(g.shape)[i + 2]!, [kh, kw][i]!];
    return size - ((out - 1) * a.strides[i]! + (kernel - 1) * a.dilations[i]! + 1 - a.pads[i]! - a.pads[i + 2]!);
  }) as [number, number];
  return o.convTranspose(g, w, { ...a, outputPadding });
}

/** y = convTranspose(x, w) has dx = conv(g, w), and dw correlates as in Conv with the parts of x and g exchanged. */
function convTransposeGradient(g: Value, [x, w]: Inputs, attributes: Attributes): Value[] {
  const a = attributes as unknown as ConvAttributes;
  const { strides, pads, dilations, group } = a;
  return [o.conv(g, w, undefined, { strides, pads, dilations, group }), correlate(g, x, w.shape, a)];
}

/**
 * dw[o, c, i, j] = Σ over batch, p, q of g[b, o, p, q] · x[b, c, p·stride + i·dilation - pad, q·stride + j·dilation - pad]:
 * batched matrix products of g with what each kernel position (i, j) saw of x. Few channels see all positions at once;
 * for many, one position at a time stays in the cache.
 * @param x [batch, channels, h, w]  @param g [batch, filters, oh, ow]  @param shape [filters, channels / group, kh, kw]
 */
function correlate(x: Value, g: Value, shape: Shape, a: ConvAttributes): Value {
  const [filters, channels, kh, kw] = known(shape) as [number, number, number, number];
  const [batch, , oh, ow] = known(g.shape) as [number, number, number, number];
  const rows = (v: Value, count: number) => o.reshape(v, a.group === 1 ? [batch, count, oh * ow] : [batch, a.group, count, oh * ow]);
  const product = (positions: readonly number[]) => {
    const seen = windows(x, [kh, kw], a, positions);
    return o.reduceSum(o.matmul(rows(g, filters / a.group), rows(seen, channels * positions.length), { tB: true }), [0]); // [(group), filters / group, channels · positions]
  };
  const positions = range(kh * kw);
  if (channels < 16) return o.reshape(product(positions), shape);
  return o.reshape(
    o.concat(
      positions.map((n) => o.reshape(product([n]), [filters, channels, 1])),
      2,
    ),
    shape,
  );
}

/**
 * What kernel positions see of a picture (im2col): a convolution with kernels that are 1 at one position and 0 elsewhere.
 * ONNX Runtime runs it in parallel, where slices would be copied by one thread.
 * @param positions numbers i · kw + j
 * @returns [batch, channels · positions, oh, ow]
 */
function windows(
  x: Value,
  [kh, kw]: readonly [number, number],
  { strides, pads, dilations }: Omit<ConvAttributes, "group">,
  positions = range(kh * kw),
): Value {
  const channels = known(x.shape)[1]!;
  const [i, j] = [Math.floor(positions[0]! / kw), positions[0]! % kw];
  const around = [i * dilations[0], j * dilations[1], (kh - 1 - i) * dilations[0], (kw - 1 - j) * dilations[1]];
  if (positions.length === 1 && strides.every((s) => s === 1) && pads.every((p, n) => p === around[n])) return x; // the middle of "same" padding
  const shape = [channels * positions.length, 1, kh, kw];
  const dtype = x.dtype as "float32" | "float64";
  const data = new arrayOf[dtype](sizeOf(shape));
  for (let c = 0; c < channels; c++) for (const [n, position] of positions.entries()) data[(c * positions.length + n) * kh * kw + position] = 1;
  return o.conv(x, constant({ dtype, shape, data }), undefined, { strides, pads, dilations, group: channels });
}
const range = (length: number): readonly number[] => Array.from({ length }, (_, i) => i);

/** g goes to where the maximum was, the first of equals. Windows that overlap may share a maximum, so there the parts are added. */
function maxPoolGradient(g: Value, y: Value, x: Value, attributes: Attributes): Value {
  const { kernel_shape, strides, pads } = attributes as unknown as { kernel_shape: [number, number]; strides: [number, number]; pads: number[] };
  const [batch, channels, height, width] = known(x.shape) as [number, number, number, number];
  const [, , oh, ow] = known(g.shape) as [number, number, number, number];
  const [top, left] = pads as [number, number];
  // Padding never wins: it is the lowest number there is.
  const lowest = x.dtype === "float64" ? -Number.MAX_VALUE : -3.4028234663852886e38;
  const padded = o.pad(x, [0, 0, top, left, 0, 0, pads[2]!, pads[3]!], lowest);
  // Where in its window the maximum is, as a distance along x: at position 0, or else at 1, or else at 2, ...
  // lost[n] = 1 where position n is below the maximum:  lost[0]·(d[1] + lost[1]·(d[2] + ...)),  d[n] from position n - 1 to n.
  const at = (n: number) => Math.floor(n / kernel_shape[1]) * width + (n % kernel_shape[1]);
  const lost = (n: number) => cast(o.less(windows(padded, kernel_shape, { strides, pads: [0, 0, 0, 0], dilations: [1, 1] }, [n]), y), x.dtype);
  let inside = zeros(x, []);
  for (let n = kernel_shape[0] * kernel_shape[1] - 2; n >= 0; n--) inside = mul(lost(n), add(inside, at(n + 1) - at(n)));
  // Flat position in x: of the channel, of the window's corner in it, of the winner from there.
  const plane = int64Range(batch * channels, (n) => n * height * width, [batch, channels, 1, 1]);
  const corner = int64Range(oh * ow, (n) => (Math.floor(n / ow) * strides[0] - top) * width + (n % ow) * strides[1] - left, [oh, ow]);
  const indices = o.reshape(add(add(cast(inside, "int64"), corner), plane), g.shape);
  const apart = strides.every((s, i) => s >= kernel_shape[i]!) && pads.every((p) => p === 0);
  if (apart && x.dtype === "float32") return o.maxUnpool(g, indices, { kernel_shape, strides, pads }, known(x.shape));
  const flat = (v: Value) => o.reshape(v, [sizeOf(v.shape)]);
  return o.reshape(o.scatterAdd(zeros(x, [sizeOf(x.shape)]), flat(indices), flat(g), 0), x.shape);
}

const int64Range = (length: number, at: (i: number) => number, shape: readonly number[]) =>
  constant({ dtype: "int64", shape, data: BigInt64Array.from({ length }, (_, i) => BigInt(at(i))) });

/** Each input of a window gets g / (kh · kw): a transposed convolution of every channel with a constant kernel. */
function averagePoolGradient(g: Value, x: Value, attributes: Attributes): Value {
  const { kernel_shape, strides, pads } = attributes as unknown as { kernel_shape: [number, number]; strides: [number, number]; pads: number[] };
  const [kh, kw] = kernel_shape;
  const planes = (v: Value) => [Number(v.shape[0]) * Number(v.shape[1]), 1, ...known(v.shape).slice(2)];
  const outputPadding = [0, 1].map(
    (i) => known(x.shape)[i + 2]! - ((known(g.shape)[i + 2]! - 1) * strides[i]! + kernel_shape[i]! - pads[i]! - pads[i + 2]!),
  );
  const spread = o.convTranspose(o.reshape(g, planes(g)), scalar(1 / (kh * kw), g.dtype, [1, 1, kh, kw]), {
    strides,
    pads,
    outputPadding: outputPadding as [number, number],
  });
  return o.reshape(spread, x.shape);
}

/** Equal maxima share the gradient (as PyTorch's amax does). */
function reduceMaxGradient(g: Value, y: Value, x: Value, axes: readonly number[]): Value {
  const isMax = cast(o.equal(x, y), x.dtype);
  return mul(isMax, div(g, o.reduceSum(isMax, axes, { keep: true })));
}

/** Steps of ±1 are undone by padding (and reversing first); larger steps by adding at the positions that were read. */
function sliceGradient(g: Value, x: Value, attributes: Attributes): Value {
  const { starts, axes, steps } = attributes as unknown as Record<"starts" | "axes" | "steps", number[]>;
  return axes.reduceRight((inner, axis, i) => {
    const [size, taken, step] = [known(x.shape)[axis]!, known(g.shape)[axis]!, steps[i]!];
    const first = Math.min(Math.max(starts[i]! < 0 ? starts[i]! + size : starts[i]!, 0), size - 1);
    if (step === 1)
      return o.pad(inner, [...x.shape.map((_, d) => (d === axis ? first : 0)), ...x.shape.map((_, d) => (d === axis ? size - first - taken : 0))]);
    const rows = Array.from({ length: taken }, (_, k) => first + k * step);
    return scatterRows(inner, rows, axis, size);
  }, g);
}

const scatterRows = (g: Value, rows: readonly number[], axis: number, size: number): Value => addAt(g, int64s(rows), axis, size);

/** dx: the gradient of every gathered row, added where it was read. */
function gatherGradient(g: Value, x: Value, indices: Value, axis: number): Value {
  const count = sizeOf(indices.shape);
  const flat = o.reshape(g, [...x.shape.slice(0, axis), count, ...x.shape.slice(axis + 1)]);
  return addAt(flat, o.reshape(cast(indices, "int64"), [count]), axis, known(x.shape)[axis]!);
}

/** Zeros of length `size` along `axis`, with g's rows added at `indices` [rows]. */
function addAt(g: Value, indices: Value, axis: number, size: number): Value {
  const shape = known(g.shape);
  const column = o.reshape(
    indices,
    shape.map((_, d) => (d === axis ? shape[axis]! : 1)),
  );
  return o.scatterAdd(
    zeros(
      g,
      shape.map((d, i) => (i === axis ? size : d)),
    ),
    o.expand(column, shape),
    g,
    axis,
  );
}
