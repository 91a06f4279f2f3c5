/** Predicts with a `model.onnx`: a picture or rows in, labels or values out. */
import { readPicture } from "../data/index.ts";
import type { Tensor } from "../engine/graph.ts";
import { Session } from "../engine/session.ts";
import type { PredictionView } from "../shared/api/schemas.ts";
import { fail, show } from "../shared/errors.ts";
import type { ModelFacts, Sample } from "../shared/predictor.ts";

/**
 * A model, opened. Close it when done.
 * @example const [prediction] = await model.predict(facts.dataset, { rows: [{ height: 63.6 }] });
 */
export class Model {
  readonly #session: Session;

  private constructor(session: Session) {
    this.#session = session;
  }

  /** @throws BAD_FILE */
  static async open(bytes: Uint8Array): Promise<Model> {
    try {
      return new Model(await Session.open(bytes));
    } catch (cause) {
      const got = `it cannot be opened (${(cause as Error).message})`;
      throw fail("BAD_FILE", { path: "model.onnx", want: "the model of a run", got, fix: "Train the model again." }, cause);
    }
  }

  /** One prediction for the picture, or one for each row. @throws BAD_PARAMETER, BAD_FILE, BAD_USAGE */
  async predict(facts: ModelFacts, sample: Sample): Promise<PredictionView[]> {
    const { task, labels } = facts;
    const { output, label } = await this.#session.run({ input: await toTensor(facts, sample) });
    const [count, width] = output!.shape as [number, number];
    return Array.from({ length: count }, (_, i) => {
      const row = Array.from((output!.data as Float32Array).subarray(i * width, (i + 1) * width));
      if (task === "regression") return { value: row[0]! };
      return { label: labels[Number(label!.data[i])]!, outputs: Object.fromEntries(row.map((v, c) => [labels[c]!, v])) };
    });
  }

  close(): Promise<void> {
    return this.#session.close();
  }
}

async function toTensor({ sampleShape, columns }: ModelFacts, { rows, picture }: Sample): Promise<Tensor> {
  if (!columns.length) {
    if (!picture) throw fail("BAD_USAGE", { problem: "the model takes a picture, but got rows", fix: "Send a picture." });
    return { dtype: "uint8", shape: [1, ...sampleShape], data: await readPicture(picture, sampleShape as [number, number, number]) };
  }
  if (!rows) throw fail("BAD_USAGE", { problem: "the model takes rows of a table, but got a picture", fix: `Send rows with ${columns.join(", ")}.` });
  const data = new Float32Array(rows.length * columns.length);
  for (const [r, row] of rows.entries()) {
    for (const [c, name] of columns.entries()) {
      const value = row[name];
      if (typeof value !== "number" || !Number.isFinite(Math.fround(value)))
        throw fail("BAD_PARAMETER", { where: `row ${r + 1}`, name, want: "a finite number", got: show(value) });
      data[r * columns.length + c] = value;
    }
  }
  return { dtype: "float32", shape: [rows.length, columns.length], data };
}
