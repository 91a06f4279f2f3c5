/** For tests and benches of learners: fits one, and predicts with the ONNX graph that it becomes. */
import { input } from "../src/engine/graph.ts";
import { cast } from "../src/engine/ops.ts";
import { Session } from "../src/engine/session.ts";
import type { FitContext, FitData, FitProgress, LearnerKind, Learnt, LearntTensors } from "../src/learners/kinds.ts";
import { sampleWeights } from "../src/learners/weights.ts";
import { type ClassWeights, resolveParams } from "../src/shared/define.ts";

export interface Rows {
  readonly inputs: Float32Array | Uint8Array;
  readonly features: number;
}
export interface Fitted extends Learnt {
  readonly kind: LearnerKind;
  readonly params: Readonly<Record<string, unknown>>;
  readonly classes: number;
  readonly features: number;
  readonly progress: readonly FitProgress[];
}

/** Rows of numbers as what a learner fits. @param weights of the samples */
export function fitData(
  rows: readonly (readonly number[])[],
  targets: readonly number[],
  labels: readonly string[] = [],
  weights?: readonly number[],
): FitData {
  const features = rows[0]!.length;
  return {
    inputs: Float32Array.from(rows.flat()),
    count: rows.length,
    features,
    targets: labels.length ? Int32Array.from(targets) : Float32Array.from(targets),
    labels,
    names: Array.from({ length: features }, (_, i) => `x${i}`),
    ...(weights && { weights: Float64Array.from(weights) }),
  };
}

/** Fits with parameters over the defaults; class weights are joined to the sample weights, as a run does. */
export async function learn(
  kind: LearnerKind,
  data: FitData,
  params: Readonly<Record<string, unknown>> = {},
  context: Partial<FitContext> = {},
): Promise<Fitted> {
  const resolved = resolveParams(`model "${kind.id}"`, kind.params, params);
  const { classWeight } = resolved as { classWeight?: ClassWeights };
  const weights = classWeight ? sampleWeights(`model "${kind.id}"`, data.targets, data.labels, classWeight, data.weights) : data.weights;
  const events = kind.fit({ ...data, weights }, resolved as never, { seed: 1, threads: 2, ...context });
  const progress: FitProgress[] = [];
  for (;;) {
    const { done, value } = await events.next();
    if (done) return { ...value, kind, params: resolved, classes: data.labels.length, features: data.features, progress };
    progress.push(value);
  }
}

/** The model as a graph from `input` [batch, features]. */
export function graphOf({ kind, params, classes, features, tensors }: Omit<Fitted, "progress"> & { readonly tensors: LearntTensors }, bytes = false) {
  const x = input("input", bytes ? "uint8" : "float32", ["batch", features]);
  const shape = { task: classes ? ("classification" as const) : ("regression" as const), classes, features };
  return { name: "model", inputs: [x], outputs: { ...kind.graph(cast(x, "float32"), tensors, shape, params as never) } };
}

/** @returns `output` [rows, outputs] and, where the model says one, `label` */
export async function predict(fitted: Fitted, { inputs, features }: Rows, threads = 2): Promise<{ output: Float32Array; label?: BigInt64Array }> {
  const bytes = inputs instanceof Uint8Array;
  const session = await Session.open(graphOf(fitted, bytes), { threads });
  try {
    const shape = [inputs.length / features, features];
    const { output, label } = await session.run({ input: { dtype: bytes ? "uint8" : "float32", shape, data: inputs } });
    return { output: output!.data as Float32Array, ...(label && { label: label.data as BigInt64Array }) };
  } finally {
    await session.close();
  }
}

/** The class that each row is predicted as. */
export async function classesOf(fitted: Fitted, rows: Rows): Promise<Int32Array> {
  const { output, label } = await predict(fitted, rows);
  if (label) return Int32Array.from(label, Number);
  const { classes } = fitted;
  return Int32Array.from({ length: output.length / classes }, (_, r) => {
    let best = 0;
    for (let c = 1; c < classes; c++) if (output[r * classes + c]! > output[r * classes + best]!) best = c;
    return best;
  });
}
