/** A worker that is led by hand: the tests of the server speak the worker protocol themselves, and nothing is computed. */
import { randomUUID } from "node:crypto";
import type { ClaimedJob, DatasetFacts, Finish, Report, Run, RunFacts } from "../src/shared/api/schemas.ts";
import type { EvaluationSummary } from "../src/shared/evaluation.ts";
import type { Profile } from "../src/shared/profile.ts";
import { register, sha256, type TestPlatform } from "./platform.ts";

type File = NonNullable<Report["artifacts"]>[number];

export const irisFacts: DatasetFacts = {
  digest: sha256("iris"),
  kind: "table",
  task: "classification",
  sampleShape: [4],
  columns: ["sepal_length", "sepal_width", "petal_length", "petal_width"].map((name) => ({ name, type: "number" })),
  target: "species",
  labels: ["setosa", "versicolor", "virginica"],
  records: { train: 108, validation: 12, test: 30 },
};
export const irisProfile: Profile = { kind: "table", records: irisFacts.records, warnings: [] };

export const runFacts: RunFacts = {
  dataset: {
    ...irisFacts,
    columns: irisFacts.columns.map(({ name }) => name),
    id: "flowers",
    source: "flowers@1",
    samples: { train: 108, validation: 12, test: 30 },
  },
  network: { layers: [] },
  layers: [],
  parameters: 67,
  threads: 1,
  versions: { trainyard: "0.1.0", node: "20.0.0" },
};

export const evaluationOf = (accuracy: number): EvaluationSummary => ({
  task: "classification",
  split: "test",
  samples: 30,
  loss: 1 - accuracy,
  metrics: { accuracy },
});

export class HandWorker {
  readonly id = randomUUID();
  readonly #platform: TestPlatform;
  readonly #labels: string[];
  readonly #sequences = new Map<string, number>();

  constructor(platform: TestPlatform, labels: readonly string[] = []) {
    this.#platform = platform;
    this.#labels = [...labels];
  }

  /** @param wait in seconds */
  async claim(wait = 0): Promise<ClaimedJob | null> {
    const worker = { id: this.id, name: "hand", labels: this.#labels, slots: 1, version: "0.1.0", platform: "test" };
    return (await this.#platform.worker.call("claimJob", { body: { worker, wait } })).job;
  }

  /** The next job, which must be there. */
  async take(): Promise<ClaimedJob> {
    const job = await this.claim();
    if (!job) throw new Error("there is no job to claim");
    return job;
  }

  async upload({ id, token, key }: ClaimedJob, name: string, content: string): Promise<File> {
    const digest = sha256(content);
    const bytes = new TextEncoder().encode(content);
    const { size } = await this.#platform.as(key).upload("putJobBlob", { params: { id, sha256: digest }, query: { token } }, bytes);
    return { name, sha256: digest, size };
  }

  report({ id, token, key }: ClaimedJob, what: Partial<Omit<Report, "token">> = {}): Promise<{ stop: boolean; leaseSeconds: number }> {
    const claim = `${id} ${token}`;
    const sequence = what.sequence ?? (this.#sequences.get(claim) ?? 0) + 1;
    this.#sequences.set(claim, sequence);
    return this.#platform.as(key).call("report", { params: { id }, body: { ...what, token, sequence } });
  }

  heartbeat({ id, token, key }: ClaimedJob): Promise<{ stop: boolean; leaseSeconds: number }> {
    return this.#platform.as(key).call("heartbeat", { params: { id }, body: { token } });
  }

  async finish({ id, token, key }: ClaimedJob, ending: Omit<Finish, "token">): Promise<void> {
    await this.#platform.as(key).call("finishJob", { params: { id }, body: { ...ending, token } });
  }

  /** Ends a training as a good one ends: facts, files, points, evaluation. */
  async succeed(job: ClaimedJob, { accuracy = 0.9, model = `model of ${job.id}`, points = [] as Report["points"] } = {}): Promise<void> {
    const files = [await this.upload(job, "best.safetensors", `best of ${model}`), await this.upload(job, "model.onnx", model)];
    await this.report(job, { facts: runFacts, artifacts: files, points });
    const result = { reason: "completed", bestEpoch: 1 };
    await this.finish(job, { outcome: "succeeded", result, evaluation: evaluationOf(accuracy) });
  }

  /** Registers irises as a dataset and says they were read. */
  async flowers(): Promise<void> {
    await register(this.#platform, "flowers");
    await this.read(await this.take());
  }

  /** Says that a dataset was imported. */
  async read(job: ClaimedJob): Promise<void> {
    const files = [
      ["snapshot.json", "{}"],
      ["profile.json", JSON.stringify(irisProfile)],
      ["train.safetensors", "rows to train on"],
    ] as const;
    const artifacts = [];
    for (const [name, content] of files) artifacts.push(await this.upload(job, name, content));
    await this.finish(job, { outcome: "succeeded", dataset: irisFacts, artifacts });
  }

  /** A run of the platform's tiny training, trained. */
  async train(run: string, options?: Parameters<HandWorker["succeed"]>[1]): Promise<Run> {
    const job = await this.take();
    if (job.subject.id !== run) throw new Error(`the next job is of ${job.subject.kind} ${job.subject.id}, not of run ${run}`);
    await this.succeed(job, options);
    return this.#platform.client.call("getRun", { params: { id: run } });
  }
}
