/** What Session adds to ONNX Runtime: checked feeds, errors that name the layer, devices that are really there. */
import { describe, expect, test } from "vitest";
import { type Graph, input, inScope, loop, type Tensor } from "./graph.ts";
import { toOnnx } from "./onnx.ts";
import { gather, mul, neg } from "./ops.ts";
import { devices, Session, tensor } from "./session.ts";

const int32 = (...data: number[]): Tensor => ({ dtype: "int32", shape: [data.length], data: Int32Array.from(data) });
const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => "accepted",
    ({ code, message, fix }) => [code, message, fix],
  );

const rows = input("rows", "int32", ["count"]);
const x = input("x", "float32", [3, 2]);
const picked: Graph = { name: "pick", inputs: [rows, x], outputs: { y: inScope("embedding", () => gather(mul(x, 2), rows)) } };
const feeds = { rows: int32(2, 0), x: tensor([3, 2], [1, 2, 3, 4, 5, 6]) };

test("a graph gives its outputs by name, with their shapes", async () => {
  const session = await Session.open(picked);
  expect(await session.run(feeds)).toEqual({ y: tensor([2, 2], [10, 12, 2, 4]) });
  await session.close();
});

test("outputs are written to where they are wanted, without a copy", async () => {
  const session = await Session.open(picked);
  const whole = new Float32Array(6);
  await session.run(feeds, { y: { dtype: "float32", shape: [2, 2], data: whole.subarray(1, 5) } });
  expect([...whole]).toEqual([0, 10, 12, 2, 4, 0]);
  await session.close();
});

test("the bytes of a file run like the graph they were written from", async () => {
  const session = await Session.open(toOnnx(picked));
  expect((await session.run(feeds)).y?.data).toEqual(Float32Array.of(10, 12, 2, 4));
  await session.close();
});

test("equal inputs give equal bits, in one session and in two", async () => {
  const [a, b] = [await Session.open(picked), await Session.open(picked)];
  const results = [await a.run(feeds), await a.run(feeds), await b.run(feeds)].map(({ y }) => y);
  expect(results[1]).toEqual(results[0]);
  expect(results[2]).toEqual(results[0]);
  await Promise.all([a.close(), b.close()]);
});

describe("a feed is refused before ONNX Runtime sees it when", async () => {
  const session = await Session.open(picked);
  const wrong = { dtype: "float32", shape: [3, 2] } as const;
  test.each([
    ["it is missing", { x: feeds.x }, "rows", "int32[count]", "missing"],
    ["its dtype differs", { ...feeds, rows: tensor([2], [0, 1]) }, "rows", "int32[count]", "float32[2]"],
    ["its rank differs", { ...feeds, x: tensor([6], feeds.x.data as Float32Array) }, "x", "float32[3, 2]", "float32[6]"],
    ["a length differs", { ...feeds, x: tensor([2, 2], [1, 2, 3, 4]) }, "x", "float32[3, 2]", "float32[2, 2]"],
    ["its values are too few", { ...feeds, x: { ...wrong, data: new Float32Array(5) } }, "x", "float32[3, 2]", "float32[3, 2] in Float32Array(5)"],
    [
      "its values are of another type",
      { ...feeds, x: { ...wrong, data: new Int32Array(6) } },
      "x",
      "float32[3, 2]",
      "float32[3, 2] in Int32Array(6)",
    ],
    ["it has no values", { ...feeds, x: { ...wrong } as unknown as Tensor }, "x", "float32[3, 2]", "float32[3, 2] without data"],
  ])("%s", async (_, bad, name, want, got) => {
    expect(await refusal(session.run(bad as Record<string, Tensor>))).toEqual([
      "GRAPH_INPUT",
      `graph "pick": input "${name}" must be ${want}, but is ${got}`,
      `Feed "${name}" as ${want}.`,
    ]);
  });
});

describe("an op that fails is named with its layer", () => {
  const bad = { ...feeds, rows: int32(0, 7) };
  const fix = "Check the values and shapes that reach this layer.";
  const fault = (graph: Graph, more: Record<string, Tensor> = {}) =>
    Session.open(graph).then((session) => refusal(session.run({ ...bad, ...more })).finally(() => session.close()));
  const said = (layer: string) => [
    "RUNTIME",
    expect.stringMatching(
      new RegExp(
        `^ONNX Runtime failed at node "${layer}(\\.gradient)?/Gather_\\d+" of layer "${layer}": indices element out of data bounds, idx=7 must`,
      ),
    ),
    fix,
  ];

  test("in a plain graph", async () => {
    expect(await fault(picked)).toEqual(said("embedding"));
  });

  test("inside a loop, where training steps run", async () => {
    const steps = input("steps", "int64", []);
    const { carried, stacked } = loop(steps, "steps", [x], (_, [v]) => ({
      carried: [neg(v!)],
      stacked: [inScope("token-table", () => gather(mul(v!, 2), rows))],
    }));
    const graph: Graph = { name: "steps", inputs: [steps, rows, x], outputs: { last: carried[0]!, each: stacked[0]! } };
    expect(await fault(graph, { steps: { dtype: "int64", shape: [], data: BigInt64Array.of(2n) } })).toEqual(said("token-table"));
  });

  test("in the backward half, by the name of the layer that it belongs to", async () => {
    const graph: Graph = { name: "g", inputs: [rows, x], outputs: { y: inScope("embedding.gradient", () => gather(x, rows)) } };
    expect(await fault(graph)).toEqual(said("embedding"));
  });

  test("or by the graph alone where it belongs to no layer", async () => {
    const graph: Graph = { name: "bare", inputs: [rows, x], outputs: { y: gather(x, rows) } };
    const [code, message] = (await fault(graph)) as string[];
    expect([code, message]).toEqual(["RUNTIME", expect.stringMatching(/^ONNX Runtime failed at node "bare\/Gather_\d+": indices element/)]);
  });
});

test("bytes that are no model are refused", async () => {
  expect(await refusal(Session.open(new TextEncoder().encode("no model")))).toEqual([
    "RUNTIME",
    'ONNX Runtime failed at node "model": Failed to load model because protobuf parsing failed.',
    "Check the values and shapes that reach this layer.",
  ]);
});

/** Which of them are there depends on the machine; each must either run or say why not. */
test.each(devices)("device %s runs a graph, or is refused with the devices that do", async (device) => {
  const opened = await Session.open(picked, { device }).catch((error) => error);
  if (opened instanceof Session) {
    expect((await opened.run(feeds)).y?.data).toEqual(Float32Array.of(10, 12, 2, 4));
    return opened.close();
  }
  const { code, message, fix, details } = opened;
  expect([code, message]).toEqual(["DEVICE_UNAVAILABLE", `device "${device}" cannot be used here: ${details.why}`]);
  expect(details.why).toMatch(/^(ONNX Runtime says: .+|the installed ONNX Runtime was built without it)$/s);
  expect(details.available).toContain("cpu");
  expect(details.available).not.toContain(device);
  expect(fix).toBe(`Choose one of: ${details.available.join(", ")}.`);
});
