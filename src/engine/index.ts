/** The engine's one door: numbers in, ONNX out. `examples/01-xor.ts` uses nothing else. */

// Graphs of typed values, and their gradients.

export { backward } from "./backward.ts";
export { constant, type DType, type Graph, input, loop, type Shape, scalar, type Tensor, type Value } from "./graph.ts";
export * as ops from "./ops.ts";

// As files, and running.

export { toOnnx } from "./onnx.ts";
export { decodeSafetensors, encodeSafetensors } from "./safetensors.ts";
export { Session, type SessionOptions, tensor } from "./session.ts";

// Networks, what trains them, and training.

export { type Evaluation, evaluateRows } from "./evaluation.ts";
export {
  type InitializerKind,
  initializer,
  type LayerKind,
  type LossKind,
  layer,
  loss,
  type NetworkDescription,
  type OptimizerKind,
  optimizer,
  type ScheduleKind,
  schedule,
  wholeBatchOptimizer,
} from "./kinds.ts";
export { checkNetwork, type Network } from "./network.ts";
export { type TrainOptions, train } from "./trainer.ts";
export { compileModel, compilePlan, type Plan, type PlanOptions } from "./training-plan.ts";

// What they share: seeded randomness, events, errors.

export { TrainyardError } from "../shared/errors.ts";
export type { Checkpoint, TrainEvent } from "../shared/events.ts";
export { random } from "../shared/random.ts";
