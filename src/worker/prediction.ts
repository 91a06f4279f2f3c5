/** Predicts with a run's `model.onnx`: pictures or rows in, labels or values out. */
import { extname } from "node:path";
import { readPicture, readRows } from "../data/index.ts";
import type { Tensor } from "../engine/graph.ts";
import { Session } from "../engine/session.ts";
import { fail } from "../shared/errors.ts";
import type { RunFolder } from "../storage/run-folder.ts";
import type { TrainingRecord } from "./training.ts";

export interface Prediction {
  /** The file, and for tables its row from 1. */
  readonly source: string;
  /** Predicted class, or predicted value. */
  readonly label?: string;
  readonly value?: number;
  /** What the network gives for each class: probabilities for most losses. */
  readonly outputs?: Readonly<Record<string, number>>;
}

const pictureEndings = [".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff"];

/** @throws FILE_NOT_FOUND, BAD_FILE, BAD_USAGE when a file is of a kind the model does not take */
export async function predict(folder: RunFolder, paths: readonly string[]): Promise<Prediction[]> {
  const { dataset, settings } = await folder.record<TrainingRecord>();
  const { sampleShape, columns, labels, task } = dataset;
  const model = await folder.read("model.onnx", `Finish the training first: npx trainyard train --resume ${folder.path}.`);
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
      if (!pictureEndings.includes(extname(path).toLowerCase())) {
        throw fail("BAD_USAGE", {
          problem: `${path} is no picture, but the model was trained on pictures`,
          fix: `Give files that end in ${pictureEndings.join(", ")}.`,
        });
      }
      inputs.push({
        tensor: { dtype: "uint8", shape: [1, ...sampleShape], data: await readPicture(path, sampleShape as [number, number, number]) },
        sources: [path],
      });
    }
  }
  const session = await Session.open(model, { threads: 1, device: settings.training.device });
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
