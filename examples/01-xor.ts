/** The engine alone: a network of two layers learns XOR. Its 1,000 training steps are one ONNX graph, run by one call. */
import assert from "node:assert/strict";
import { backward, constant, input, loop, ops, Session, scalar, tensor, type Value } from "trainyard/engine";

const { gemm, mul, reduceMean, sigmoid, square, sub, tanh } = ops;
const network = (x: Value, [w1, b1, w2, b2]: readonly [Value, Value, Value, Value]) => sigmoid(gemm(tanh(gemm(x, w1, b1)), w2, b2));

const x = input("x", "float32", [4, 2]);
const y = input("y", "float32", [4, 1]);
const waves = Array.from({ length: 16 }, (_, i) => Math.sin(7 * i + 1)); // weights may start anywhere but all alike
const start = (...shape: [number, number]) => constant(tensor(shape, waves.slice(0, shape[0] * shape[1])));
const first = [start(2, 8), start(1, 8), start(8, 1), start(1, 1)] as const;

const { carried: trained, stacked } = loop(scalar(1000, "int64"), "steps", first, (_, weights) => {
  const loss = reduceMean(square(sub(network(x, weights), y)), [0, 1]);
  const gradients = backward(loss, weights); // more nodes of the same graph
  return { carried: weights.map((w, i) => sub(w, mul(gradients[i]!, 2))), stacked: [loss] };
});

const session = await Session.open({ name: "xor", inputs: [x, y], outputs: { losses: stacked[0], guesses: network(x, trained) } });
const { losses, guesses } = await session.run({ x: tensor([4, 2], [0, 0, 0, 1, 1, 0, 1, 1]), y: tensor([4, 1], [0, 1, 1, 0]) });
console.log(`loss ${losses!.data[0]} -> ${losses!.data[999]}; 0^0, 0^1, 1^0, 1^1 = ${guesses!.data}`);
assert.deepEqual(Array.from(guesses!.data as Float32Array, Math.round), [0, 1, 1, 0]);
await session.close();
