import { describe, expect, test } from "vitest";
import { type DType, input, type Shape } from "./graph.ts";
import * as o from "./ops.ts";

const value = (shape: Shape, dtype: DType = "float32") => input("x", dtype, shape);

describe("shapes that do not fit", () => {
  test.each([
    ["Add: lengths 3 and 4 do not fit (inputs [2, 3], [2, 4])", () => o.add(value([2, 3]), value([2, 4]))],
    ["Less: lengths batch and 4 do not fit (inputs [batch, 3], [4, 3])", () => o.less(value(["batch", 3]), value([4, 3]))],
    ["Add: dtypes float32 and int64 differ (inputs float32[2], int64[2])", () => o.add(value([2]), value([2], "int64"))],
    [
      "MatMul: the last length of a must equal the last but one of b (inputs float32[2, 3], float32[4, 5])",
      () => o.matmul(value([2, 3]), value([4, 5])),
    ],
    ["MatMul: the last length of a must equal the last but one of b (inputs float32[3], float32[3, 5])", () => o.matmul(value([3]), value([3, 5]))],
    ["Gemm: wants two matrices whose inner lengths agree (inputs float32[2, 3], float32[4, 3])", () => o.gemm(value([2, 3]), value([4, 3]))],
    ["Gemm: wants two matrices whose inner lengths agree (inputs float32[2, 3, 1], float32[3, 3])", () => o.gemm(value([2, 3, 1]), value([3, 3]))],
    ["Gemm: lengths 4 and 3 do not fit (inputs [2, 4], [3])", () => o.gemm(value([2, 3]), value([3, 4]), value([3]))],
    ["Gemm: c must broadcast to [1, 4] (inputs float32[2, 4])", () => o.gemm(value([1, 3]), value([3, 4]), value([2, 4]))],
    [
      "Conv: channels do not fit 1 group(s) (inputs float32[1, 3, 8, 8], float32[4, 2, 3, 3])",
      () => o.conv(value([1, 3, 8, 8]), value([4, 2, 3, 3])),
    ],
    [
      "Conv: channels do not fit 2 group(s) (inputs float32[1, 4, 8, 8], float32[3, 2, 3, 3])",
      () => o.conv(value([1, 4, 8, 8]), value([3, 2, 3, 3]), undefined, { group: 2 }),
    ],
    [
      "Conv: wants [batch, channels, height, width] and [filters, channels / group, kh, kw] (inputs float32[8, 8], float32[4, 2, 3, 3])",
      () => o.conv(value([8, 8]), value([4, 2, 3, 3])),
    ],
    [
      "ConvTranspose: wants [batch, channels, height, width] and [channels, filters / group, kh, kw] (inputs float32[1, 3, 8, 8], float32[2, 3, 3, 3])",
      () => o.convTranspose(value([1, 3, 8, 8]), value([2, 3, 3, 3])),
    ],
    ["Concat: only axis 1 may differ (inputs float32[2, 3], float32[3, 3])", () => o.concat([value([2, 3]), value([3, 3])], 1)],
    ["Concat: only axis 1 may differ (inputs float32[2, 3], float32[2, 3, 1])", () => o.concat([value([2, 3]), value([2, 3, 1])], 1)],
    ["MatMul: lengths 2 and 3 do not fit (inputs [2], [3])", () => o.matmul(value([2, 2, 3]), value([3, 3, 5]))],
    ["Reshape: cannot become [4, 2] (inputs float32[2, 3])", () => o.reshape(value([2, 3]), [4, 2])],
    ["Reshape: cannot become [6] (inputs float32[batch, 6])", () => o.reshape(value(["batch", 6]), [6])],
    ["Split: parts [1, 1] do not add up to axis 1 (inputs float32[2, 3])", () => o.split(value([2, 3]), [1, 1], 1)],
    ["Expand: lengths 3 and 4 do not fit (inputs [3], [2, 4])", () => o.expand(value([3]), [2, 4])],
  ])("%s", (message, build) => {
    expect(build).toThrow(expect.objectContaining({ code: "OP_SHAPE", message, fix: "Make the shapes and dtypes of the inputs fit the op." }));
  });
});

test("a length that only the run knows stays through ops that work sample by sample", () => {
  const x = value(["batch", 3, 8, 8]);
  const y = o.conv(x, value([4, 3, 3, 3]));
  expect(y.shape).toEqual(["batch", 4, 6, 6]);
  expect(o.flatten(o.maxPool(y, { kernel: [2, 2] })).shape).toEqual(["batch", 36]);
  expect(o.reshape(y, ["batch", 12, 12]).shape).toEqual(["batch", 12, 12]);
  expect(o.add(y, value([4, 1, 1])).shape).toEqual(["batch", 4, 6, 6]);
  expect(o.reduceMean(y, [2, 3]).shape).toEqual(["batch", 4]);
  expect(o.matmul(o.flatten(x), value([192, 5])).shape).toEqual(["batch", 5]);
});

test("a length that only the run knows is refused where a number is needed", () => {
  expect(() => o.conv(value([1, 3, "height", 8]), value([4, 3, 3, 3]))).toThrow("internal: shape [height, 8] must be static here");
});
