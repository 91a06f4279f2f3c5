/** Classical models in the house: from a dataset to what a learner fits, and from what it learnt to the graph that predicts. */
import { constant, type Graph, input, type Value } from "../engine/graph.ts";
import { argMax, cast, div, flatten, sub } from "../engine/ops.ts";
import type { FitData, GraphShape, LearnerKind, LearntTensors } from "../learners/kinds.ts";
import { sampleWeights } from "../learners/weights.ts";
import type { Dataset, Normalisation, Split } from "../shared/dataset.ts";
import type { ClassWeights } from "../shared/define.ts";
import { fail, show } from "../shared/errors.ts";
import { describe, frontOf } from "./assemble.ts";
import type { LearnerSettings } from "./run-settings.ts";

const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/**
 * Some rows of a split as a learner fits them.
 * @throws UNFIT_DATA where there is no row, or one class alone; BAD_PARAMETER for weights of a class that there is not
 */
export function fitDataOf(kind: LearnerKind, settings: LearnerSettings, dataset: Dataset, rows: Int32Array): FitData {
  const { task, labels, sampleShape, preparation } = dataset;
  const what = `model "${kind.id}"`;
  const features = sizeOf(sampleShape);
  const { inputs, targets, weights } = rowsOf(dataset.train, rows, features);
  if (!rows.length) throw fail("UNFIT_DATA", { what, problem: "there is no row to learn from", fix: "Give the training split rows." });
  if (task === "classification" && targets.every((target) => target === targets[0])) {
    throw fail("UNFIT_DATA", {
      what,
      problem: `every row to learn from is of the class ${show(labels[targets[0]!])}`,
      fix: "Bring rows of at least two classes, or split the data otherwise.",
    });
  }
  const { classWeight } = settings.model.params as { classWeight?: ClassWeights };
  const joined = classWeight && labels.length ? sampleWeights(what, targets, labels, classWeight, weights) : weights && Float64Array.from(weights);
  if (joined?.every((weight) => weight === 0))
    throw fail("UNFIT_DATA", { what, problem: "every row counts nothing: all weights are 0", fix: "Give some rows a weight above 0." });
  return {
    inputs: inputs instanceof Uint8Array && kind.reads === "scaled" ? scaled(inputs, sampleShape, dataset.normalisation) : inputs,
    count: rows.length,
    features,
    targets,
    ...(joined && { weights: joined }),
    labels,
    names: preparation?.features.length ? preparation.features : Array.from({ length: features }, (_, i) => `pixel ${i + 1}`),
  };
}

/** The rows, in memory that threads share. */
function rowsOf({ inputs, targets, weights }: Split, rows: Int32Array, features: number): Pick<Split, "inputs" | "targets" | "weights"> {
  const Kind = inputs.constructor as new (buffer: SharedArrayBuffer) => Uint8Array;
  const chosen = new Kind(new SharedArrayBuffer(rows.length * features * inputs.BYTES_PER_ELEMENT));
  for (const [at, row] of rows.entries()) chosen.set(inputs.subarray(row * features, (row + 1) * features) as Uint8Array, at * features);
  const picked = targets instanceof Int32Array ? Int32Array.from(rows, (row) => targets[row]!) : Float32Array.from(rows, (row) => targets[row]!);
  return { inputs: chosen, targets: picked, ...(weights && { weights: Float32Array.from(rows, (row) => weights[row]!) }) };
}

/** (x - mean) / deviation of bytes, for one channel as for each: [count, channels, height, width]. */
function scaled(bytes: Uint8Array, [channels = 1, ...plane]: readonly number[], { mean, deviation }: Normalisation): Float32Array {
  const out = new Float32Array(new SharedArrayBuffer(bytes.length * 4));
  const size = sizeOf(plane);
  for (let i = 0, at = 0; at < bytes.length; i++) {
    const c = mean.length === 1 ? 0 : i % channels;
    const [m, d] = [Math.fround(mean[c]!), Math.fround(deviation[c]!)];
    for (const end = at + size; at < end; at++) out[at] = Math.fround(bytes[at]! - m) / d;
  }
  return out;
}

/** The same in a graph: samples [batch, ...shape] -> [batch, features]. */
function scaledValue(samples: Value, shape: readonly number[], { mean, deviation }: Normalisation): Value {
  const x = cast(samples, "float32");
  if (mean.length === 1 && mean[0] === 0 && deviation[0] === 1) return flatten(x);
  const moments = (values: readonly number[]) =>
    constant({ dtype: "float32", shape: [values.length, ...shape.slice(1).map(() => 1)], data: Float32Array.from(values) });
  return flatten(div(sub(x, moments(mean)), moments(deviation)));
}

/**
 * The graph of a fitted model. Inputs: raw rows or pictures as `model.onnx` takes them (`served`), or samples after preprocessing as `input`.
 * Outputs: `output` (probabilities, scores or the value) and for classification `label` int64 [batch].
 */
export function learnerGraph(
  kind: LearnerKind,
  settings: LearnerSettings,
  dataset: Dataset,
  tensors: LearntTensors,
  form: "served" | "prepared",
): Graph {
  const { sampleShape, preparation, task, labels, normalisation, digest } = dataset;
  const dtype = dataset.train.inputs instanceof Uint8Array ? "uint8" : "float32";
  const front = (form === "served" && preparation && frontOf(preparation)) || (() => asPrepared(dtype, sampleShape));
  const { inputs, samples } = front();
  const x = kind.reads === "raw" ? flatten(cast(samples, "float32")) : scaledValue(samples, sampleShape, normalisation);
  const shape: GraphShape = { task, classes: labels.length, features: sizeOf(sampleShape) };
  const { output, label } = kind.graph(x, tensors, shape, settings.model.params as never);
  return {
    name: "predict",
    inputs,
    outputs: { output, ...(task === "classification" && { label: label ?? argMax(output) }) },
    metadata: {
      "trainyard.task": task,
      "trainyard.labels": JSON.stringify(labels),
      "trainyard.dataset_digest": digest,
      ...(preparation && describe(preparation)),
    },
  };
}

function asPrepared(dtype: "uint8" | "float32", shape: readonly number[]) {
  const x = input("input", dtype, ["batch", ...shape]);
  return { inputs: [x], samples: x };
}
