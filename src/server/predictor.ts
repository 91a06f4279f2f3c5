/** Predictions are made in a process of their own, started when first needed: a model or a picture that crashes a library takes down that process, not the server. */
import { type ChildProcess, fork } from "node:child_process";
import type { PredictionView } from "../shared/api/schemas.ts";
import { fail, remoteError } from "../shared/errors.ts";
import type { PredictorAnswer, PredictorRequest } from "../shared/predictor.ts";
import { childOf } from "./child.ts";

/** Without work for so long it ends, and its memory is free. */
const IDLE_MS = 60_000;
const TIMEOUT_MS = 60_000;

type Asked = Pick<PredictorRequest, "facts" | "sample">;
type Waiting = { readonly answered: (answer: PredictorAnswer) => void; readonly failed: (error: unknown) => void };

export class Predictor {
  #child: ChildProcess | undefined;
  #known = new Set<string>();
  #next = 0;
  #idle: NodeJS.Timeout | undefined;
  readonly #waiting = new Map<number, Waiting>();

  /**
   * @param key of the model: it is loaded where the process has not seen it yet
   * @throws what the model cannot take, and INTERNAL when the process ends on the way
   */
  async predict(key: string, load: () => Promise<Uint8Array>, asked: Asked, signal: AbortSignal): Promise<PredictionView[]> {
    let answer = await this.#ask(this.#known.has(key) ? key : { key, bytes: await load() }, asked, signal);
    if ("unknownModel" in answer) answer = await this.#ask({ key, bytes: await load() }, asked, signal);
    if ("error" in answer) throw remoteError(answer.error);
    if ("unknownModel" in answer) throw fail("INTERNAL", { detail: "the predictor forgot a model it was just given" });
    this.#known.add(key);
    return [...answer.predictions];
  }

  #ask(model: PredictorRequest["model"], asked: Asked, signal: AbortSignal): Promise<PredictorAnswer> {
    const child = this.#running();
    const id = this.#next++;
    return new Promise<PredictorAnswer>((answered, failed) => {
      const gone = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
      const stop = () => failed(gone.reason);
      gone.addEventListener("abort", stop, { once: true });
      this.#waiting.set(id, { answered, failed });
      child.send({ id, model, ...asked } satisfies PredictorRequest, (error) => error && failed(error));
    }).finally(() => {
      this.#waiting.delete(id);
      if (this.#waiting.size) return;
      clearTimeout(this.#idle);
      this.#idle = setTimeout(() => this.close(), IDLE_MS).unref();
    });
  }

  #running(): ChildProcess {
    clearTimeout(this.#idle);
    if (this.#child?.connected) return this.#child;
    const { path, execArgv, env } = childOf("worker/predictor");
    const child = fork(path, { execArgv, env, serialization: "advanced", stdio: ["ignore", "ignore", "inherit", "ipc"] });
    child.on("message", (answer: PredictorAnswer) => this.#waiting.get(answer.id)?.answered(answer));
    child.on("exit", (code, signal) => {
      if (this.#child === child) this.#forget();
      const error = fail("INTERNAL", { detail: `the predictor ended (${signal ?? code})` });
      for (const { failed } of this.#waiting.values()) failed(error);
    });
    child.on("error", () => {}); // told by exit
    this.#child = child;
    return child;
  }

  #forget(): void {
    this.#child = undefined;
    this.#known = new Set();
  }

  close(): void {
    clearTimeout(this.#idle);
    this.#child?.disconnect();
    this.#forget();
  }
}
