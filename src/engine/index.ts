/** The engine's one door: numbers in, ONNX out. */
export { backward } from "./backward.ts";
export * as ops from "./ops.ts";
