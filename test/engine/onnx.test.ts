/** The written ONNX: where nodes and constants go, and whether ONNX's own checker accepts it. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { fromBinary } from "@bufbuild/protobuf";
import { type GraphProto, ModelProtoSchema } from "onnx-buf";
import { describe, expect, test } from "vitest";
import { catalog } from "../../src/catalog/index.ts";
import { type Graph, input, inScope, int64s, loop, scalar, type Value } from "../../src/engine/graph.ts";
import { readMetadata, toOnnx } from "../../src/engine/onnx.ts";
import * as o from "../../src/engine/ops.ts";
import { Session, tensor } from "../../src/engine/session.ts";
import { graphNames } from "../../src/engine/training-plan.ts";
import { everyLayer } from "./every-layer.ts";
import { modelNetwork, planOf } from "./plans.ts";

const graphOf = (inputs: Value[], outputs: Graph["outputs"], metadata?: Graph["metadata"]): Graph => ({ name: "test", inputs, outputs, metadata });
const read = (graph: Graph): GraphProto => fromBinary(ModelProtoSchema, toOnnx(graph)).graph!;
const opsOf = (graph: GraphProto) => graph.node.map((n) => n.opType).sort();
const bodyOf = (graph: GraphProto) => graph.node.find((n) => n.opType === "Loop")!.attribute[0]!.g!;
const steps = (n: number) => scalar(n, "int64");

async function run(graph: Graph, feeds: Parameters<Session["run"]>[0]): Promise<Record<string, number[]>> {
  const session = await Session.open(graph);
  const result = await session.run(feeds);
  await session.close();
  return Object.fromEntries(Object.entries(result).map(([name, t]) => [name, Array.from(t.data as Float32Array)]));
}

describe("a loop", () => {
  const [x, w] = [input("x", "float32", [2]), input("w", "float32", [2])];
  const feeds = { x: tensor([2], [1, 2]), w: tensor([2], [0, 3]) };

  test("holds only what depends on its iteration; the rest is computed once, before it", async () => {
    const { carried } = loop(steps(3), "steps", [x], (_, [v]) => ({ carried: [o.mul(v!, o.exp(o.abs(w)))], stacked: [] }));
    const graph = graphOf([x, w], { y: carried[0]! });
    expect(opsOf(read(graph))).toEqual(["Abs", "Exp", "Loop"]);
    expect(opsOf(bodyOf(read(graph)))).toEqual(["Identity", "Mul"]);
    const { y } = await run(graph, feeds);
    expect(y![0]).toBe(1);
    expect(y![1]! / (2 * Math.exp(9))).toBeCloseTo(1, 5);
  });

  test("stacks a value of each iteration, which may be one from outside or a constant", async () => {
    const { carried, stacked } = loop(steps(3), "steps", [x], (i, [v]) => ({
      carried: [o.add(v!, 1)],
      stacked: [o.cast(i, "float32"), v!, w, scalar(7)],
    }));
    const outputs = Object.fromEntries([...carried, ...stacked].map((v, i) => [`y${i}`, v]));
    expect(await run(graphOf([x, w], outputs), feeds)).toEqual({
      y0: [4, 5],
      y1: [0, 1, 2],
      y2: [1, 2, 2, 3, 3, 4],
      y3: [0, 3, 0, 3, 0, 3],
      y4: [7, 7, 7],
    });
  });

  test("may stand in another loop", async () => {
    const { carried } = loop(steps(3), "outer", [x], (i, [v]) => {
      const twice = o.mul(o.cast(i, "float32"), 2); // belongs to the outer loop, read by the inner one
      const inner = loop(steps(2), "inner", [v!], (_, [u]) => ({ carried: [o.add(u!, o.add(twice, w))], stacked: [] }));
      return { carried: inner.carried, stacked: [] };
    });
    const graph = graphOf([x, w], { y: carried[0]! });
    expect(opsOf(read(graph))).toEqual(["Loop"]);
    expect(opsOf(bodyOf(read(graph)))).toEqual(["Add", "Cast", "Identity", "Loop", "Mul"]);
    // x + Σ over i of 2 · (2i + w)
    expect(await run(graph, feeds)).toEqual({ y: [13, 32] });
  });

  test("runs no iteration at all when told so", async () => {
    const n = input("n", "int64", []);
    const { carried } = loop(n, "steps", [x], (_, [v]) => ({ carried: [o.add(v!, w)], stacked: [] }));
    const feed = { ...feeds, n: { dtype: "int64", shape: [], data: BigInt64Array.of(0n) } } as const;
    expect(await run(graphOf([n, x, w], { y: carried[0]! }), feed)).toEqual({ y: [1, 2] });
  });
});

test("equal small constants of a graph are written once", () => {
  const x = input("x", "float32", [2]);
  const graph = read(graphOf([x], { y: o.add(o.mul(o.add(x, 2), 2), 3), z: o.gather(x, int64s([1])), u: o.gather(x, int64s([1])) }));
  expect(graph.initializer.map((t) => t.name)).toEqual(["test:float32[](2)", "test:float32[](3)", "test:int64[1](1)"]);
});

test("a node is named after its layer and op", () => {
  const x = input("x", "float32", [2]);
  const [node] = read(graphOf([x], { y: inScope("dense1", () => o.relu(x)) })).node;
  expect(node!.name).toMatch(/^dense1\/Relu_\d+$/);
});

test("an output may be an input, a constant, or another output's value", async () => {
  const x = input("x", "float32", [2]);
  const y = o.neg(x);
  const graph = graphOf([x], { input: x, constant: scalar(5), y, again: y });
  expect(await run(graph, { x: tensor([2], [1, 2]) })).toEqual({ input: [1, 2], constant: [5], y: [-1, -2], again: [-1, -2] });
});

test("metadata can be read back from the file", () => {
  const x = input("x", "float32", [2]);
  const metadata = { "trainyard.task": "classification", "trainyard.labels": '["Ölfleck","2"]' };
  expect(readMetadata(toOnnx(graphOf([x], { y: x }, metadata)))).toEqual(metadata);
});

describe("every graph of a plan", () => {
  const python = process.env.TRAINYARD_PYTHON ?? "";
  const models = catalog.models.map((model) => model.id).filter((id) => id !== "custom");
  const picture = (id: string) => (id === "resnet-8" ? [3, 16, 16] : [1, 28, 28]);
  const plans = [
    ...models.map((id) => ({ name: id, make: () => planOf(modelNetwork(id, picture(id), 10), picture(id), 10) })),
    { name: "a network of every layer", make: () => planOf(everyLayer(10), [3, 12, 12], 10) },
  ];

  test("the network of every layer has them all", () => {
    const used = new Set(everyLayer(10).layers.map((l) => l.layer));
    expect(catalog.layers.map((l) => l.id).filter((id) => !used.has(id))).toEqual([]);
  });

  // Needs ONNX's checker: TRAINYARD_PYTHON is a Python that has test/python/requirements.txt.
  test.skipIf(!python).each(plans)("$name: is accepted by ONNX's checker and strict shape inference", async ({ make }) => {
    const folder = mkdtempSync(join(tmpdir(), "trainyard-onnx-"));
    try {
      const plan = make();
      const files = graphNames.map((name) => {
        const file = join(folder, plan.spec.files[name]);
        writeFileSync(file, toOnnx(plan[name]));
        return file;
      });
      const check = promisify(execFile)(python, ["test/python/check_onnx.py", ...files]);
      expect(await check.catch((e: { stdout: string; stderr: string }) => e.stdout + e.stderr)).toEqual({ stdout: "", stderr: "" });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
