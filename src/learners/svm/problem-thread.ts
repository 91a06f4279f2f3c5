/** A thread that solves one problem of a support vector machine at a time: a pair of classes, or a class against the rest. */
import { parentPort, workerData } from "node:worker_threads";
import type { Session } from "../../engine/session.ts";
import { descend, type LinearSettings } from "./dual-coordinate.ts";
import type { Kernel } from "./kernel.ts";
import { calibrate } from "./platt.ts";
import { KernelRows, openProduct } from "./rows.ts";
import { type Settings, solve } from "./smo.ts";
import type { SparseRows } from "./sparse.ts";

/** What every thread is given once. */
export interface Shared {
  /** [count, features] */
  readonly inputs: Float32Array;
  readonly sparse?: SparseRows;
  readonly features: number;
  /** C times the weight of each row, [count]. */
  readonly bounds: Float64Array;
  readonly kernel: Kernel;
  readonly settings: Omit<Settings & LinearSettings, "goOn"> & { readonly probability: boolean };
  /** Megabytes of kernel rows, and threads of a product, for each thread. */
  readonly megabytes: number;
  readonly threads: number;
  readonly seed: number;
  /** Not 0 once the threads are to stop. A thread ended within a call of ONNX Runtime would take the process with it. */
  readonly stop: Int32Array;
}
export interface Problem {
  readonly by: "smo" | "dual-coordinate";
  /** The number of the problem among all. */
  readonly key: number;
  /** Rows of the data; those of sign +1 first. */
  readonly rows: Int32Array;
  readonly positive: number;
}
export interface Solved {
  /** smo: β of each row of the problem; dual-coordinate: a weight for each feature. */
  readonly coefficients: Float32Array;
  /** Added to the decision. */
  readonly intercept: number;
  /** A and B of the sigmoid. */
  readonly platt?: readonly [number, number];
}

const shared = workerData as Shared;
const goOn = () => {
  if (Atomics.load(shared.stop, 0)) throw new Error("stopped");
};
let product: Session | undefined;

const solvers = {
  async smo({ key, rows, positive }: Problem): Promise<Solved> {
    const { inputs, features, kernel, megabytes, threads, seed } = shared;
    const settings = { ...shared.settings, goOn };
    product ??= await openProduct(features, kernel, threads);
    const own = new Float32Array(rows.length * features);
    for (const [i, row] of rows.entries()) own.set(inputs.subarray(row * features, (row + 1) * features), i * features);
    const kernelRows = new KernelRows(product, own, features, kernel, megabytes);
    const [signs, bounds, all] = [signsOf(rows, positive), boundsOf(rows), Int32Array.from(rows, (_, i) => i)];
    const { coefficients, rho } = await solve(kernelRows, signs, bounds, all, settings);
    const platt = settings.probability ? await calibrate(kernelRows, signs, bounds, settings, [seed, key]) : undefined;
    return { coefficients: Float32Array.from(coefficients), intercept: -rho, ...(platt && { platt: [platt.a, platt.b] as const }) };
  },
  async "dual-coordinate"({ key, rows, positive }: Problem): Promise<Solved> {
    const { inputs, sparse, features, seed } = shared;
    const problem = { dense: inputs, sparse, features, rows, signs: signsOf(rows, positive), bounds: boundsOf(rows) };
    const weights = descend(problem, { ...shared.settings, goOn }, [seed, key]);
    return { coefficients: Float32Array.from(weights.subarray(0, features)), intercept: weights[features]! };
  },
} satisfies Record<Problem["by"], (problem: Problem) => Promise<Solved>>;

const signsOf = (rows: Int32Array, positive: number) => Int8Array.from(rows, (_, i) => (i < positive ? 1 : -1));
const boundsOf = (rows: Int32Array) => Float64Array.from(rows, (row) => shared.bounds[row]!);

parentPort!.on("message", (problem: Problem) => {
  solvers[problem.by](problem).then(
    (result) => parentPort!.postMessage({ result }),
    (error) => parentPort!.postMessage({ error }),
  );
});
