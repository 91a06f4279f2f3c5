/** What a trained model says of rows: outputs and labels, in batches. */
import type { Tensor } from "../engine/graph.ts";
import { Session } from "../engine/session.ts";
import type { Split } from "../shared/dataset.ts";
import { graphOf, type PreparedTraining, type Trained } from "./training.ts";

/** Rows of a batch: enough to keep the threads busy, few enough for what a model computes between (nearest neighbours: a distance to each row it knows). */
const BATCH = 1000;

export interface Scores {
  /** [rows, width]: a column for each class, or one with the value. */
  readonly outputs: Float32Array;
  readonly width: number;
  /** Class indices of a classifier, [rows]. */
  readonly labels?: Int32Array;
}

/** A trained model, opened. Hold it with `await using`. */
export class Scorer {
  readonly #session: Session;
  readonly #shape: readonly number[];

  private constructor(session: Session, shape: readonly number[]) {
    this.#session = session;
    this.#shape = shape;
  }

  static async open(prepared: PreparedTraining, trained: Trained): Promise<Scorer> {
    const device = "assembled" in prepared ? prepared.settings.training.device : "cpu";
    const session = await Session.open(graphOf(prepared, trained, "prepared"), { device, threads: prepared.facts.threads });
    return new Scorer(session, prepared.dataset.sampleShape);
  }

  /** @param rows of the split; all, in order, when left out @throws the reason of the signal */
  async scores(split: Pick<Split, "inputs" | "count">, rows?: Int32Array, signal?: AbortSignal): Promise<Scores> {
    const size = this.#shape.reduce((a, b) => a * b, 1);
    const count = rows?.length ?? split.count;
    let outputs = new Float32Array();
    let labels: Int32Array | undefined;
    let width = 1;
    for (let first = 0; first < count; first += BATCH) {
      signal?.throwIfAborted();
      const last = Math.min(count, first + BATCH);
      const data = rows ? gathered(split.inputs, rows.subarray(first, last), size) : split.inputs.subarray(first * size, last * size);
      const dtype = data instanceof Uint8Array ? "uint8" : "float32";
      const { output, label } = await this.#session.run({ input: { dtype, shape: [last - first, ...this.#shape], data } as Tensor });
      if (!first) {
        width = output!.shape[1]!;
        outputs = new Float32Array(count * width);
        if (label) labels = new Int32Array(count);
      }
      outputs.set(output!.data as Float32Array, first * width);
      if (label) labels!.set(Int32Array.from(label.data as BigInt64Array, Number), first);
    }
    return { outputs, width, ...(labels && { labels }) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session.close();
  }
}

export function gathered<A extends Float32Array | Uint8Array>(inputs: A, rows: Int32Array, size: number): A {
  const Kind = inputs.constructor as new (length: number) => A;
  const out = new Kind(rows.length * size);
  for (const [at, row] of rows.entries()) out.set(inputs.subarray(row * size, (row + 1) * size) as never, at * size);
  return out;
}
