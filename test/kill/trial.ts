/** A platform on trial: people work with it, trainings run on it, and between kills everything that must be true of it is looked at. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "../../src/shared/api/client.ts";
import type { Outgoing } from "../../src/shared/api/endpoints.ts";
import { type EventView, isOver, type Job, type Manifest, type Run, type RunRequestBody, type RunSummary } from "../../src/shared/api/schemas.ts";
import { type Random, random } from "../../src/shared/random.ts";
import { Caller, Person, type Remembered, type Surroundings } from "./people.ts";
import { type Program, until } from "./program.ts";

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** Long enough to be killed several times, with dropout, and with a schedule that depends on the losses so far. */
const trainings: Readonly<Record<string, RunRequestBody>> = {
  cnn: {
    dataset: { id: "figures" },
    model: { id: "cnn", params: { filters: [4, 8], units: 16 } },
    training: { epochs: 40, batchSize: 10, threads: 1, seed: 2 },
  },
  mlp: {
    dataset: { id: "figures" },
    model: { id: "mlp", params: { hidden: [64], dropout: 0.2 } },
    schedule: { id: "reduce-on-plateau" },
    training: { epochs: 150, batchSize: 10, threads: 1, seed: 3 },
  },
};

/** What an undisturbed training of the same settings came out as. */
interface Reference {
  readonly files: Readonly<Record<string, string>>;
  readonly series: readonly unknown[];
}
/** What is told once for each epoch, or once for the training. */
const isComparable = (series: string): boolean => /^(train|validation|test)_/.test(series);

/** What is killed again and again before it gets anywhere is given up, until a person lets it go on. */
const isGivenUp = ({ reason }: Job): boolean => reason?.code === "WORKER_LOST";

export class Trial {
  readonly faults: string[] = [];
  readonly #programs: readonly Program[];
  readonly #seed: string;
  readonly #random: Random;
  readonly #people: readonly Person[];
  readonly #caller: Caller;
  readonly #around: Surroundings;
  readonly #references = new Map<string, Reference>();
  readonly #examined = { experiments: new Set<string>(), trainings: new Set<string>() };
  #working = false;
  #work: Promise<unknown> = Promise.resolve();
  #rounds = 0;

  constructor(programs: readonly Program[], seed: string) {
    this.#programs = programs;
    this.#seed = seed;
    this.#random = random(seed);
    const urls = programs.map(({ url }) => url);
    this.#around = { urls, trainings, faults: this.faults, experiments: new Map(), datasets: new Set(), jobs: new Set(), acknowledged: 0 };
    this.#caller = new Caller(urls, random(seed, "trial"));
    this.#people = ["Ada", "Bob", "Cleo"].map((name) => new Person(name, seed, this.#around, 1));
  }

  /** Starts the servers, and trains each of the trainings undisturbed. */
  async begin(): Promise<void> {
    await Promise.all(this.#programs.map((program) => program.start()));
    const files = readdirSync("test/data/mnist").map((name) => ({ name, bytes: readFileSync(join("test/data/mnist", name)) }));
    for (const { bytes } of files) await this.#caller.steadily((client) => client.upload("uploadBlob", { params: { sha256: sha256(bytes) } }, bytes));
    await this.#caller.call("registerDataset", {
      body: {
        name: "figures",
        source: { id: "mnist" },
        files: files.map(({ name, bytes }) => ({ name, sha256: sha256(bytes), size: bytes.length })),
      },
    });
    await until("the dataset is read", async () => (await this.#caller.call("getDataset", { params: { id: "figures" } })).state === "ready");
    const runs = await Promise.all(
      Object.entries(trainings).map(async ([settings, body]) => ({ settings, id: (await this.#caller.call("createRun", { body })).id })),
    );
    for (const { settings, id } of runs) {
      const run = await until(`the undisturbed ${settings} is trained`, async () => {
        const run = await this.#caller.call("getRun", { params: { id } });
        return isOver(run.state) ? run : undefined;
      });
      const starts = await this.#events({ entity: id, type: "started" });
      if (run.state !== "succeeded" || starts.length !== 1)
        throw new Error(`the undisturbed ${settings} is ${run.state} after ${starts.length} starts: ${run.reason?.message}${this.#logs()}`);
      this.#references.set(settings, await this.#outcome(run));
    }
  }

  /** Any moment; every other one soon after a training has stored something, as it is in its first steps or at its next checkpoint then. */
  async moment(): Promise<void> {
    if (this.chance(0.5)) {
      const newest = async () => (await this.#caller.call("listEvents", { query: { kind: "run", type: "stored", limit: 1 } })).items[0]?.seq;
      const before = await newest();
      await until("a training stores something", async () => (await newest()) !== before, 4000).catch(() => {});
      await this.pause(this.chance(0.5) ? 200 : 1200);
    } else await this.pause(3000);
  }

  /** Up to so many milliseconds. */
  pause(most: number): Promise<void> {
    return sleep(this.#random.below(most));
  }

  chance(one: number): boolean {
    return this.#random.next() < one;
  }

  /**
   * People work; after a random time something is killed and comes back, while they go on; then everything is looked at.
   * @param disturb resolves when all servers serve again
   */
  async round(disturb: () => Promise<void>): Promise<void> {
    if (this.#rounds++ % 2 === 0) this.#people[this.#random.below(this.#people.length)]!.more(1);
    this.#begin();
    await disturb();
    await this.#rest();
    await this.check();
  }

  #begin(): void {
    this.#working = true;
    this.#work = Promise.all(this.#people.map((person) => person.work(() => this.#working)));
  }

  /** Everyone ends what they are at. */
  async #rest(): Promise<void> {
    this.#working = false;
    await this.#work;
  }

  /** @throws every fault found until now */
  async check(): Promise<void> {
    await this.#checkRuns();
    await this.#checkEvents();
    await this.#checkExperiments();
    const { differences, missingBlobs } = await this.#caller.call("verify", {});
    if (differences.length || missingBlobs.length) this.#fault(`verify: ${JSON.stringify({ differences: differences.slice(0, 5), missingBlobs })}`);
    for (const program of this.#programs) {
      await until(`${program.url} left no process behind`, () => program.orphans().length === 0).catch((error: Error) =>
        this.#fault(`${error.message}: ${program.orphans().join(", ")}`),
      );
    }
    if (this.faults.length) {
      throw new Error(
        `seed ${this.#seed}, round ${this.#rounds}, ${this.#around.acknowledged} answers: ${this.faults.length} faults\n${this.faults.join("\n")}${this.#logs()}`,
      );
    }
  }

  /** Storage in use, after what nobody needs was freed. */
  async storage(): Promise<Outgoing<"getStorage">> {
    await this.#caller.call("purge", {});
    return this.#caller.call("getStorage", {});
  }

  /** What the workers of a server are at. */
  async jobsOf(program: Program): Promise<Job[]> {
    const { items } = await this.#caller.call("listWorkers", {});
    const ids = items.filter(({ name }) => name.includes(`-${program.pid}-`)).flatMap(({ jobs }) => jobs);
    return Promise.all(ids.map((id) => this.#caller.call("getJob", { params: { id } })));
  }

  /** Resolves when none of the jobs is the worker's any more that had it. */
  async takenOver(jobs: readonly Job[]): Promise<void> {
    for (const { id, worker } of jobs) {
      await until(`job ${id} is taken over`, async () => {
        const job = await this.#caller.call("getJob", { params: { id } });
        return job.worker !== worker || !["queued", "running"].includes(job.state);
      });
      const job = await this.#caller.call("getJob", { params: { id } });
      if (job.state === "dead" && !isGivenUp(job)) this.#fault(`job ${id} is dead: ${JSON.stringify(job.reason)}`);
    }
  }

  /** Lets every training and every other job end, those that were stopped or given up too. Then everything is looked at once more, to the last byte. */
  async settle(): Promise<void> {
    const unfinished = new Map<string, Run>();
    const own = this.#people
      .flatMap(({ runs }) => [...runs.values()])
      .filter(({ settings, trashed, experiment }) => settings && !trashed && !experiment);
    await until(
      "all runs and jobs end",
      async () => {
        unfinished.clear();
        for (const { id } of own) {
          const run = await this.#caller.call("getRun", { params: { id } });
          if (run.state === "draft") await this.#caller.call("startRun", { params: { id } });
          if (["stopped", "failed"].includes(run.state)) await this.#caller.call("resumeRun", { params: { id }, body: {} });
          if (run.state !== "succeeded") unfinished.set(id, run);
        }
        for (const job of await this.#all<Job>("listJobs", { state: "dead" }))
          if (job.kind !== "train" && isGivenUp(job)) await this.#caller.call("requeueJob", { params: { id: job.id } });
        const jobs = await Promise.all((["queued", "running"] as const).map((state) => this.#all<Job>("listJobs", { state })));
        return unfinished.size === 0 && jobs.flat().length === 0;
      },
      120_000 + 10_000 * own.length,
    ).catch((error: Error) => {
      const states = [...unfinished].map(([id, { state, reason, progress }]) => `${id} ${state} ${JSON.stringify({ reason, progress })}`);
      this.#fault(`${error.message}; left are\n${states.join("\n")}`);
    });
    for (const id of this.#around.jobs) {
      const { state, reason } = await this.#caller.call("getJob", { params: { id } });
      if (state === "dead") this.#fault(`the evaluation ${id} is dead: ${JSON.stringify(reason)}`);
    }
    for (const id of this.#around.datasets) {
      const { state, reason } = await this.#caller.call("getDataset", { params: { id } });
      if (state !== "ready") this.#fault(`the dataset ${id} is ${state}: ${JSON.stringify(reason)}`);
    }
    this.#examined.experiments.clear();
    for (const person of this.#people) for (const one of person.runs.values()) one.checked = undefined;
    await this.check();
    console.log(
      `${this.#seed}: ${this.#rounds} rounds, ${this.#around.acknowledged} answers, ${this.#examined.trainings.size} trainings, ${this.#around.experiments.size} experiments`,
    );
  }

  /** Every run that was accepted is there, and as its owner was told. Those that are trained came out as they should. */
  async #checkRuns(): Promise<void> {
    const listed = new Map<string, RunSummary>();
    for (const query of [{}, { trash: "true" }, { archived: "true" }] as const)
      for (const run of await this.#all<RunSummary>("listRuns", query)) listed.set(run.id, run);
    for (const person of this.#people) {
      for (const own of person.runs.values()) {
        const shown = listed.get(own.id);
        if (!shown) {
          if (!own.trashed) person.lost(own); // else it was purged
          continue;
        }
        person.check(shown, own);
        const finished = own.settings && shown.state === "succeeded" && !this.#examined.trainings.has(own.id);
        if (own.checked === own.version && !finished && shown.state !== "failed") continue;
        const run = await this.#caller.call("getRun", { params: { id: own.id } });
        person.check(run, own);
        own.checked = own.version;
        if (finished) await this.#checkTraining(run, own);
      }
    }
  }

  /** Each training came to its end once, and to the same end as if nothing had happened. */
  async #checkTraining(run: Run, { settings }: Remembered): Promise<void> {
    this.#examined.trainings.add(run.id);
    const [is, wanted] = [await this.#outcome(run), this.#references.get(settings!)!];
    for (const [name, digest] of Object.entries(wanted.files))
      if (is.files[name] !== digest) this.#fault(`${name} of run ${run.id} has other bits than that of an undisturbed run`);
    if (JSON.stringify(is.series) !== JSON.stringify(wanted.series))
      this.#fault(
        `metrics of run ${run.id} are\n${JSON.stringify(is.series)}\nand those of an undisturbed one are\n${JSON.stringify(wanted.series)}`,
      );
    if (run.reproduction && !run.reproduction.same) this.#fault(`run ${run.id} is no reproduction: ${run.reproduction.differences.join(", ")}`);
  }

  async #outcome(run: Run): Promise<Reference> {
    const { series } = await this.#caller.call("getMetrics", { params: { id: run.id }, query: { points: 20_000 } });
    for (const { series: name, steps, total } of series) {
      if (steps.some((step, i) => i > 0 && step <= steps[i - 1]!)) this.#fault(`series ${name} of run ${run.id} repeats steps: ${steps.join(" ")}`);
      if (run.metrics[name]?.count !== total)
        this.#fault(`series ${name} of run ${run.id} has ${total} points, but counts ${run.metrics[name]?.count}`);
    }
    const files: Record<string, string> = {};
    for (const name of ["best.safetensors", "model.onnx"]) {
      files[name] = sha256(await this.#download((client) => client.download("getArtifact", { params: { id: run.id, name } })));
      const told = run.artifacts.find((artifact) => artifact.name === name)?.sha256;
      if (files[name] !== told) this.#fault(`${name} of run ${run.id} has the digest ${files[name]}, but ${told} was told`);
    }
    const chosen = series.filter(({ series }) => isComparable(series)).sort((a, b) => (a.series < b.series ? -1 : 1));
    return { files, series: chosen };
  }

  /** No run comes to its end twice, and no job. */
  async #checkEvents(): Promise<void> {
    for (const [kind, type] of [
      ["run", "succeeded"],
      ["job", "done"],
    ] as const) {
      const seen = new Set<string>();
      for (const { entity } of await this.#events({ kind, type })) {
        if (seen.has(entity)) this.#fault(`${kind} ${entity} has come to its end twice`);
        seen.add(entity);
      }
    }
  }

  /** Each experiment is whole, and those that were acknowledged are among them. */
  async #checkExperiments(): Promise<void> {
    const listed = new Map((await this.#all<Outgoing<"getExperiment">>("listExperiments", {})).map((one) => [one.id, one]));
    for (const [id, hash] of this.#around.experiments) if (listed.get(id)?.hash !== hash) this.#fault(`experiment ${id} is lost, or is another one`);
    for (const { id, hash, size } of listed.values()) {
      if (this.#examined.experiments.has(id)) continue;
      this.#examined.experiments.add(id);
      const bytes = await this.#download((client) => client.download("getManifest", { params: { id } }));
      if (sha256(bytes) !== hash) this.#fault(`the manifest of experiment ${id} has the digest ${sha256(bytes)}, not ${hash}`);
      let total = bytes.length;
      for (const file of (JSON.parse(Buffer.from(bytes).toString()) as Manifest).files) {
        const content = await this.#download((client) => client.download("getExperimentFile", { params: { id, name: file.name } }));
        if (sha256(content) !== file.sha256) this.#fault(`${file.name} of experiment ${id} is not what its manifest says`);
        total += content.length;
      }
      if (total !== size) this.#fault(`experiment ${id} has ${total} bytes, but ${size} was told`);
    }
  }

  #logs(): string {
    return this.#programs.map(({ log }) => `\n${log} ends:\n${readFileSync(log, "utf8").slice(-3000)}`).join("");
  }

  #fault(what: string): void {
    this.faults.push(what);
  }

  async #download(ask: (client: Client) => Promise<Response>): Promise<Uint8Array> {
    return this.#caller.steadily(async (client) => new Uint8Array(await (await ask(client)).arrayBuffer()));
  }

  #events(query: { kind?: "run" | "job"; entity?: string; type: string }): Promise<EventView[]> {
    return this.#all<EventView>("listEvents", query);
  }

  /** All pages of a list. */
  async #all<Item>(operation: "listRuns" | "listEvents" | "listExperiments" | "listJobs", query: object): Promise<Item[]> {
    const items: Item[] = [];
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const page = (await this.#caller.call(operation, { query: { ...query, limit: 500, ...(cursor && { cursor }) } })) as {
        items: Item[];
        next: string | null;
      };
      items.push(...page.items);
      cursor = page.next;
    }
    return items;
  }
}
