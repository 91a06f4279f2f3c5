/** Predicts with a run's `model.onnx`: pictures or rows in, labels or values out. */
import { readPicture, readRows } from "../data/index.ts";
import type { Tensor } from "../engine/graph.ts";
import { Session } from "../engine/session.ts";
import { fail } from "../shared/errors.ts";
import type { RunFolder } from "../storage/run-folder.ts";
import { readRecord } from "./training.ts";

export interface Prediction {
  /** The file, and for tables its row from 1. */
  readonly source: string;
  /** Predicted class, or predicted value. */
  readonly label?: string;
  readonly value?: number;
  /** What the network gives for each class: probabilities for most losses. */
  readonly outputs?: Readonly<Record<string, number>>;
}

/** @throws FILE_NOT_FOUND, BAD_FILE */
export async function predict(folder: RunFolder, paths: readonly string[]): Promise<Prediction[]> {
  const { sampleShape, columns, labels, task } = (await readRecord(folder)).dataset;
  const model = await folder.read("model.onnx", `Finish the training first: ${folder.resumeCommand}`);
  const inputs: { tensor: Tensor; sources: string[] }[] = [];
  for (const path of paths) {
    if (columns.length) {
      const rows = await readRows(path, columns);
      const count = rows.length / columns.length;
      inputs.push({
        tensor: { dtype: "float32", shape: [count, columns.length], data: rows },
        sources: Array.from({ length: count }, (_, i) => `${path}:${i + 1}`),
      });
    } else {
      inputs.push({
        tensor: { dtype: "uint8", shape: [1, ...sampleShape], data: await readPicture(path, sampleShape as [number, number, number]) },
        sources: [path],
      });
    }
  }
  const session = await Session.open(model).catch((cause: Error) => {
    const fix = `Write it again: ${folder.resumeCommand}`;
    throw fail(
      "BAD_FILE",
      { path: folder.file("model.onnx"), want: "the model of the run", got: `it cannot be opened (${cause.message})`, fix },
      cause,
    );
  });
  try {
    const predictions: Prediction[] = [];
    for (const { tensor, sources } of inputs) {
      const { output, label } = await session.run({ input: tensor });
      const width = output!.shape[1]!;
      for (const [i, source] of sources.entries()) {
        const row = Array.from((output!.data as Float32Array).subarray(i * width, (i + 1) * width));
        predictions.push(
          task === "regression"
            ? { source, value: row[0]! }
            : { source, label: labels[Number(label!.data[i])]!, outputs: Object.fromEntries(row.map((v, c) => [labels[c]!, v])) },
        );
      }
    }
    return predictions;
  } finally {
    await session.close();
  }
}
