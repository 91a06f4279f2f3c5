import { describe, expect, test } from "vitest";
import { backward } from "./backward.ts";
import { input, loop, type Node, scalar, type Value } from "./graph.ts";
import * as o from "./ops.ts";
import { Session, tensor } from "./session.ts";

const vector = (name: string, length = 3) => input(name, "float32", [length]);
const sum = (x: Value) => o.reduceSum(x, o.allAxes(x));

/** The numbers of some values, given those of the graph's inputs. */
async function evaluate(values: readonly Value[], feeds: ReadonlyMap<Value, readonly number[]>): Promise<number[][]> {
  const outputs = Object.fromEntries(values.map((v, i) => [`out${i}`, v]));
  const session = await Session.open({ name: "test", inputs: [...feeds.keys()], outputs });
  const named = [...feeds].map(([v, data]) => [v.node.attributes.name as string, tensor(v.shape as number[], data)]);
  const result = await session.run(Object.fromEntries(named));
  await session.close();
  return values.map((_, i) => Array.from(result[`out${i}`]!.data as Float32Array));
}

/** The ops of every node that a value is computed from. */
function opsBehind(value: Value): string[] {
  const nodes = new Set<Node>();
  const visit = (node: Node) => {
    if (nodes.has(node)) return;
    nodes.add(node);
    for (const v of node.inputs) visit(v.node);
  };
  visit(value.node);
  return [...nodes].map((node) => node.kind);
}

describe("backward", () => {
  test("adds up the gradients of a value that is used twice", async () => {
    const x = vector("x");
    const [dx] = backward(sum(o.add(o.mul(x, x), x)), [x]);
    expect(await evaluate([dx!], new Map([[x, [1, 2, -3]]]))).toEqual([[3, 5, -5]]); // 2x + 1
  });

  test("follows both sides of a diamond", async () => {
    const x = vector("x");
    const top = o.square(x);
    const [dx] = backward(sum(o.mul(o.mul(top, 2), o.add(top, 1))), [x]); // 2x⁴ + 2x²
    expect(await evaluate([dx!], new Map([[x, [1, 2, -1]]]))).toEqual([[12, 72, -12]]); // 8x³ + 4x
  });

  test.each([
    ["a row", [3], [5, 7, 9]],
    ["a column", [2, 1], [6, 15]],
    ["a number", [], [21]],
    ["a matrix of one", [1, 1], [21]],
  ])("sums over the copies that broadcasting made of %s", async (_, shape, want) => {
    const [x, b] = [input("x", "float32", [2, 3]), input("b", "float32", shape)];
    const [db] = backward(sum(o.mul(x, b)), [b]);
    expect(db!.shape).toEqual(shape);
    const feeds = new Map([
      [x, [1, 2, 3, 4, 5, 6]],
      [b, Array<number>(want.length).fill(0)],
    ]);
    expect(await evaluate([db!], feeds)).toEqual([want]);
  });

  test("computes nothing for inputs that are not asked for", () => {
    const [x, w, v] = [input("x", "float32", [4, 3]), input("w", "float32", [3, 2]), input("v", "float32", [2, 5])];
    const loss = sum(o.matmul(o.tanh(o.matmul(x, w)), v));
    const [dv] = backward(loss, [v]);
    expect(opsBehind(dv!).filter((op) => op === "MatMul")).toHaveLength(2); // x · w, and (tanh)ᵀ · g
    const [dw] = backward(loss, [w]);
    expect(opsBehind(dw!).filter((op) => op === "MatMul")).toHaveLength(3); // x · w, g · vᵀ, and xᵀ · that
  });

  test("does not need the gradient of what no asked input reaches", async () => {
    const [x, w] = [vector("x"), vector("w")];
    const [dw] = backward(sum(o.mul(w, o.floor(x))), [w]);
    expect(await evaluate([dw!], new Map([[x, [1.5, 2.5, -0.5]], [w, [0, 0, 0]]]))).toEqual([[1, 2, -1]]); // biome-ignore format: one line
  });

  test("gives zeros for a value that the loss does not depend on", async () => {
    const [x, other] = [vector("x"), input("other", "float32", [2, 2])];
    const [dx, dOther] = backward(sum(x), [x, other]);
    expect(dOther!.shape).toEqual([2, 2]);
    expect(await evaluate([dx!, dOther!], new Map([[x, [1, 2, 3]]]))).toEqual([
      [1, 1, 1],
      [0, 0, 0, 0],
    ]);
  });

  test("gives the gradient by a value in the middle, whatever made that value", async () => {
    const x = vector("x");
    const middle = o.floor(x);
    const [dMiddle] = backward(sum(o.square(middle)), [middle]);
    expect(await evaluate([dMiddle!], new Map([[x, [1.5, 2.5, -0.5]]]))).toEqual([[2, 4, -2]]);
  });

  test("gives the gradient of a gradient", async () => {
    const x = vector("x");
    const y = o.sub(o.pow(x, 3), o.mul(o.square(x), 2)); // x³ - 2x²
    const [first] = backward(sum(y), [x]);
    const [second] = backward(sum(first!), [x]);
    const [third] = backward(sum(second!), [x]);
    expect(await evaluate([first!, second!, third!], new Map([[x, [1, 2, -1]]]))).toEqual([
      [-1, 4, 7], // 3x² - 4x
      [2, 8, -10], // 6x - 4
      [6, 6, 6],
    ]);
  });

  test("lets a comparison choose between values without a gradient of its own", async () => {
    const x = vector("x");
    const [dx] = backward(sum(o.where(o.greater(x, 1), o.square(x), x)), [x]);
    expect(await evaluate([dx!], new Map([[x, [0.5, 2, 3]]]))).toEqual([[1, 4, 6]]);
  });

  test("refuses to pass through integers", () => {
    const x = vector("x");
    const rounded = o.cast(o.cast(x, "int32"), "float32");
    expect(() => backward(sum(rounded), [x])).toThrow("Cast has no gradient: its output is int32, not a quantity");
  });

  test("refuses to pass through a loop, also where only the body reads the value", () => {
    const [x, w] = [vector("x"), vector("w")];
    const steps = scalar(3, "int64");
    const { carried } = loop(steps, "steps", [x], (_, [value]) => ({ carried: [o.mul(value!, w)], stacked: [] }));
    for (const wrt of [x, w]) expect(() => backward(sum(carried[0]!), [wrt])).toThrow("Loop has no gradient: differentiate inside its body");
  });
});
