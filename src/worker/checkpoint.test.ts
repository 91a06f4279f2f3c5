/** What comes back from a checkpoint, and how what is none is refused. */
import { expect, test } from "vitest";
import { encodeSafetensors } from "../engine/safetensors.ts";
import type { Checkpoint, Position } from "../shared/events.ts";
import { decodeCheckpoint, decodeWeights, encodeCheckpoint, encodeWeights, type Shapes } from "./checkpoint.ts";

const position: Position = { epoch: 2, step: 3, update: 23, sums: { loss: 1.1, score: 0.1, samples: 30 }, losses: [0.3, 1 / 3] };
const shapes: Shapes = new Map([
  ["w", [2, 2]],
  ["b", [2]],
]);
const tensors = new Map([
  ["w", Float32Array.of(1, 2, 3, 4)],
  ["b", Float32Array.of(0.1, -0)],
]);
const checkpoint: Checkpoint = { position, tensors };
const bytes = Buffer.concat(encodeCheckpoint(checkpoint, shapes));

const refusal = (work: () => unknown) => {
  try {
    work();
    return "accepted";
  } catch (error) {
    const { code, message, fix } = error as Record<string, unknown>;
    return [code, message, fix];
  }
};
const decode = (content: Uint8Array, wanted = shapes) => refusal(() => decodeCheckpoint(content, "last.safetensors", wanted));

test("a checkpoint comes back bit by bit", () => {
  expect(decodeCheckpoint(bytes, "last.safetensors", shapes)).toEqual(checkpoint);
});

test("equal weights give equal bytes, and hold no position", () => {
  const weights = Buffer.concat(encodeWeights(tensors, shapes));
  expect(Buffer.concat(encodeWeights(new Map(tensors), shapes)).equals(weights)).toBe(true);
  expect(decodeWeights(weights, "best.safetensors", shapes)).toEqual(tensors);
  expect(decode(weights)).toMatchObject([
    "BAD_FILE",
    "last.safetensors must be a checkpoint of a training, but its position is missing",
    expect.any(String),
  ]);
});

test.each<[string, Shapes, string]>([
  ["another shape", new Map([...shapes, ["w", [4]]]), '"w" should be [4], but is [2, 2]'],
  ["a tensor more", new Map([...shapes, ["v", [1]]]), '"v" should be [1], but is absent'],
  ["a tensor less", new Map([["w", [2, 2]]]), '"b" should be absent, but is [2]'],
])("a network with %s refuses it", (_, wanted, difference) => {
  expect(decode(bytes, wanted)).toEqual([
    "CHECKPOINT_MISMATCH",
    `checkpoint last.safetensors belongs to another network: ${difference}`,
    "Resume with the network, optimizer and settings that wrote the checkpoint.",
  ]);
});

test.each([{}, { ...position, epoch: -1 }, { ...position, losses: ["low"] }, null, "here"])("a position that is none (%j) is refused", (wrong) => {
  const file = encodeSafetensors({
    tensors: new Map([...tensors].map(([name, data]) => [name, { shape: shapes.get(name)!, data }])),
    metadata: { position: JSON.stringify(wrong) },
  });
  const [code, message] = decode(Buffer.concat(file)) as string[];
  expect(code).toBe("BAD_FILE");
  expect(message).toMatch(/^last\.safetensors must be a checkpoint of a training, but its position is "/);
});

test("a file that is cut off is refused", () => {
  expect(decode(bytes.subarray(0, bytes.length - 1))).toMatchObject(["BAD_FILE", expect.stringContaining("is cut off"), expect.any(String)]);
});
