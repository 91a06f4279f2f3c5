/** Predictions are made in a process of their own, started when first needed: a model or a picture that crashes a library, or never comes to an end, takes down that process, not the server. */
import type { PredictionView } from "../shared/api/schemas.ts";
import { Confined, type Ended } from "../shared/child.ts";
import { fail, printable, remoteError, type TrainyardError } from "../shared/errors.ts";
import type { Significance } from "../shared/evaluation.ts";
import type {
  CompareRequest,
  PredictionRequest,
  PredictorAnswer,
  PredictorQuestion,
  PredictorRequest,
  RowsRequest,
  StepsRequest,
} from "../shared/predictor.ts";
import type { FoundRows } from "../shared/records.ts";
import type { StepPreview } from "../shared/step-preview.ts";
import { childEnvironment } from "./config.ts";

/** Without work for so long it ends, and its memory is free. */
const IDLE_MS = 60_000;

export interface PredictorOptions {
  /** MiB that the process may take. */
  readonly memory: number;
  /** That a prediction may take, from when the process comes to it. */
  readonly seconds: number;
  readonly log: (line: string) => void;
}

/** What each answer but an error has of its own. */
type AnswerKey = "stages" | "significance" | "rows";
type Asked = Pick<PredictionRequest, "facts" | "sample">;

export class Predictor {
  readonly #options: PredictorOptions;
  #process: PredictorProcess | undefined;

  constructor(options: PredictorOptions) {
    this.#options = options;
  }

  /**
   * @param key of the model: it is loaded where the process has not seen it yet
   * @throws what the model cannot take; OUT_OF_MEMORY, TIMED_OUT and PROCESS_CRASHED when this prediction ended the process
   */
  async predict(key: string, load: () => Promise<Uint8Array>, asked: Asked, signal: AbortSignal): Promise<PredictionView[]> {
    for (let isKnown = this.#running().known.has(key); ; isKnown = false) {
      const model = isKnown ? key : { key, bytes: await load() };
      const process = this.#running();
      const answer = await process.ask({ model, ...asked }, signal);
      if (answer && "error" in answer) throw remoteError(answer.error);
      if (answer && "predictions" in answer) {
        process.known.add(key);
        return [...answer.predictions];
      }
      if (answer && !isKnown) throw fail("INTERNAL", { detail: "the predictor forgot a model it was just given" });
    }
  }

  /** What steps of preprocessing do. @throws what a step cannot do, and as `predict` */
  show = (steps: StepsRequest, signal: AbortSignal): Promise<StepPreview> => this.#ask({ steps }, "stages", signal);

  /** Rows of a table. @throws BAD_FILE, and as `predict` */
  find = (records: RowsRequest, signal: AbortSignal): Promise<FoundRows> => this.#ask({ records }, "rows", signal);

  /** Whether two runs differ by more than chance. @throws as `predict` */
  compare = (compare: CompareRequest, signal: AbortSignal): Promise<Significance> => this.#ask({ compare }, "significance", signal);

  /** Asks again where the process ended over another question. */
  async #ask<K extends AnswerKey>(
    question: PredictorQuestion,
    key: K,
    signal: AbortSignal,
  ): Promise<Extract<PredictorAnswer, Record<K, unknown>>[K]> {
    for (;;) {
      const answer = await this.#running().ask(question, signal);
      if (answer && "error" in answer) throw remoteError(answer.error);
      if (answer && key in answer) return (answer as Extract<PredictorAnswer, Record<K, unknown>>)[key];
    }
  }

  #running(): PredictorProcess {
    if (!this.#process?.serves) this.#process = new PredictorProcess(this.#options);
    return this.#process;
  }

  close(): void {
    this.#process?.end();
  }
}

interface Waiting {
  readonly answered: (answer?: PredictorAnswer) => void;
  readonly failed: (error: unknown) => void;
}

/** One life of the process. */
class PredictorProcess {
  /** Keys of models that it was sent. */
  readonly known = new Set<string>();
  readonly #options: PredictorOptions;
  readonly #confined: Confined;
  /** In the order in which it comes to them: it is at the first. Who went away meanwhile keeps it busy all the same. */
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;
  #ending = false;
  #late = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: PredictorOptions) {
    this.#options = options;
    this.#confined = new Confined("worker/predictor", { env: childEnvironment(), memory: options.memory });
    this.#confined.process.on("message", (answer: PredictorAnswer) => {
      this.#waiting.get(answer.id)?.answered(answer);
      this.#waiting.delete(answer.id);
      this.#comeToNext();
    });
    this.#comeToNext();
    void this.#confined.ended.then((ended) => {
      this.end();
      const [busyWith, ...others] = this.#waiting.values();
      busyWith?.failed(this.#why(ended));
      for (const { answered } of others) answered();
    });
  }

  get serves(): boolean {
    return !this.#ending && this.#confined.process.connected;
  }

  /** @returns undefined when the process ended over another question */
  ask(request: PredictorQuestion, signal: AbortSignal): Promise<PredictorAnswer | undefined> {
    return new Promise((answered, failed) => {
      signal.throwIfAborted();
      signal.addEventListener("abort", () => failed(signal.reason), { once: true });
      const id = this.#next++;
      this.#waiting.set(id, { answered, failed });
      if (this.#waiting.size === 1) this.#comeToNext();
      this.#confined.process.send({ id, ...request } satisfies PredictorRequest, () => {}); // that it is gone is told by its end
    });
  }

  /** It has nothing to put in order. */
  end(): void {
    this.#ending = true;
    clearTimeout(this.#timer);
    this.#confined.kill();
  }

  #comeToNext(): void {
    clearTimeout(this.#timer);
    if (this.#ending) return;
    const isIdle = this.#waiting.size === 0;
    const give = isIdle ? IDLE_MS : 1000 * this.#options.seconds;
    this.#timer = setTimeout(() => {
      this.#late = !isIdle;
      this.end();
    }, give).unref();
  }

  #why({ how, used, said }: Ended): TrainyardError {
    const { memory, seconds, log } = this.#options;
    const what = "the prediction";
    if (used !== undefined) return fail("OUT_OF_MEMORY", { what, used, limit: memory });
    if (this.#late) return fail("TIMED_OUT", { what, seconds, variable: "TRAINYARD_PREDICT_SECONDS" });
    if (said) log(`the process of ${what} wrote: ${printable(said.trim())}`);
    return fail("PROCESS_CRASHED", { what, how });
  }
}
