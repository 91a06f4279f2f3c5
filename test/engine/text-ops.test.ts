/** Ops that read strings: what they give in ONNX Runtime, of the dtypes and shapes that their rules state. */
import { describe, expect, test } from "vitest";
import { backward } from "../../src/engine/backward.ts";
import { gradients } from "../../src/engine/gradients.ts";
import { input, type Value } from "../../src/engine/graph.ts";
import * as o from "../../src/engine/ops.ts";
import { Session } from "../../src/engine/session.ts";

const words = "[\\p{L}\\p{N}_]{2,}";

/** Runs a graph of strings [batch, width], or [batch]. */
async function run(data: readonly string[], width: number | undefined, build: (x: Value) => Value) {
  const x = input("x", "string", width ? ["batch", width] : ["batch"]);
  const y = build(x);
  const session = await Session.open({ name: "test", inputs: [x], outputs: { y } });
  const shape = width ? [data.length / width, width] : [data.length];
  const got = (await session.run({ x: { dtype: "string", shape, data } })).y!;
  await session.close();
  expect({ dtype: got.dtype, rank: got.shape.length }).toEqual({ dtype: y.dtype, rank: y.shape.length });
  for (const [i, length] of y.shape.entries()) if (typeof length === "number") expect(got.shape[i]).toBe(length);
  return { shape: got.shape, values: Array.from(got.data as Iterable<unknown>, (v) => (typeof v === "string" ? v : Number(v))) };
}

describe("strings", () => {
  test("become the codes of a list, or another number", async () => {
    const { values } = await run(["b", "a", "", "Ä"], 2, (x) => o.codesOf(x, ["a", "b", "Ä"], [0, 1, 7], -2));
    expect(values).toEqual([1, 0, -2, 7]);
  });

  test("are replaced, or become empty", async () => {
    expect((await run(["b", "a", "c"], undefined, (x) => o.replaceStrings(x, ["a", "b"], ["ä", ""]))).values).toEqual(["", "ä", ""]);
  });

  // As sklearn.utils.murmurhash3_32 has them.
  test("are hashed by MurmurHash3", async () => {
    expect((await run(["a", "zz", "b", "", "Köln"], undefined, o.murmurHash3)).values).toEqual([1009084850, -642971880, -1780580861, 0, 866521595]);
  });

  test("are lowered from A to Z, whatever the machine's locale", async () => {
    expect((await run(["ÄB", "", "Hello W"], undefined, o.lowerAscii)).values).toEqual(["Äb", "", "hello w"]);
  });

  test("are taken apart into the matches of a pattern", async () => {
    const { shape, values } = await run(["a Hello, wörld_2!", ""], undefined, (x) => o.matches(x, words));
    expect({ shape, values }).toEqual({ shape: [2, 2], values: ["Hello", "wörld_2", "", ""] });
    expect((await run(["a", ""], undefined, (x) => o.matches(x, words))).shape).toEqual([2, 0]);
  });

  test("are counted", async () => {
    const { values } = await run(["b b a", "c c", ""], undefined, (x) => o.countWords(o.matches(x, "[a-z]"), ["a", "b"]));
    expect(values).toEqual([1, 2, 0, 0, 0, 0]);
  });
});

test("strings stop every gradient, which says why", () => {
  const x = input("x", "string", [2]);
  const built = {
    LabelEncoder: o.codesOf(x, ["a"], [1], 0),
    MurmurHash3: o.murmurHash3(x),
    TfIdfVectorizer: o.countWords(o.matches(x, words), ["a"]),
  };
  for (const [op, y] of Object.entries(built))
    expect(() => backward(o.reduceSum(o.cast(y, "float32"), o.allAxes(y)), [x])).toThrow(`${op} has no gradient: it reads strings`);
  expect(o.fixedOps.filter((op) => !("stops" in gradients[op]))).toEqual([]);
});

test("strings and numbers do not mix", () => {
  expect(() => o.add(input("x", "string", [2]), 1)).toThrow("internal: the number 1 beside strings");
});
