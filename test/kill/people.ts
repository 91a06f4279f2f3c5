/**
 * People who work with servers that keep dying, and remember every answer they got. Each looks after runs of their own, so that what a
 * server says of one is either what was acknowledged, or a fault. Used by the kill tests.
 */
import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { type Client, createClient } from "../../src/shared/api/client.ts";
import type { Call, OperationId, Outgoing } from "../../src/shared/api/endpoints.ts";
import type { Run, RunRequestBody } from "../../src/shared/api/schemas.ts";
import { TrainyardError } from "../../src/shared/errors.ts";
import { type Random, random } from "../../src/shared/random.ts";
import { MACHINE_TOKEN, PATIENCE_MS } from "./program.ts";

/** Of a run: what its owner was told last. */
export interface Remembered {
  readonly id: string;
  /** For a training: its settings, by their name. */
  readonly settings?: string;
  name: string;
  note: string;
  tags: Readonly<Record<string, string>>;
  /** It never goes back. */
  version: number;
  /** The version that was looked at whole since. */
  checked?: number;
  /** Whether it is still to be trained, as far as its owner knows. */
  unfinished: boolean;
  trashed: boolean;
  experiment?: string;
}

/** What people found wrong. */
export type Faults = string[];

export interface Surroundings {
  /** Addresses of all servers of one platform. */
  readonly urls: readonly string[];
  /** What can be trained, by name. */
  readonly trainings: Readonly<Record<string, RunRequestBody>>;
  readonly faults: Faults;
  /** What else people made. */
  readonly experiments: Map<string, string>;
  readonly datasets: Set<string>;
  readonly jobs: Set<string>;
  /** How many answers said that something was done. */
  acknowledged: number;
}

/** Whether the answer may be another one later, or nobody knows what was done. */
const isAway = (error: unknown): boolean => error instanceof TrainyardError && [429, 502, 503, 504].includes(error.status);

/** Talks to whichever server answers, for as long as it takes. */
export class Caller {
  readonly #clients: readonly Client[];
  readonly #random: Random;

  constructor(urls: readonly string[], random: Random) {
    this.#clients = urls.map((url) => createClient({ url, token: MACHINE_TOKEN, patience: 1 }));
    this.#random = random;
  }

  /** The answer. What creates something is asked for under one key, however often and of whichever server. */
  call<O extends OperationId>(operation: O, call: Call<O>): Promise<Outgoing<O>> {
    const sending = { idempotencyKey: `key-${this.#random.uint32()}-${this.#random.uint32()}` };
    return this.steadily((client) => client.call(operation, call, sending));
  }

  /** What must not be asked twice: nothing when nobody knows whether it was done. */
  async once<O extends OperationId>(operation: O, call: Call<O>): Promise<Outgoing<O> | undefined> {
    try {
      return await this.#anyone().call(operation, call);
    } catch (error) {
      if (!isAway(error)) throw error;
    }
  }

  /** Tries again, with another server perhaps. */
  async steadily<T>(ask: (client: Client) => Promise<T>): Promise<T> {
    for (const giveUp = Date.now() + PATIENCE_MS; ; await sleep(100)) {
      try {
        return await ask(this.#anyone());
      } catch (error) {
        if (!isAway(error) || Date.now() > giveUp) throw error;
      }
    }
  }

  #anyone(): Client {
    return this.#clients[this.#random.below(this.#clients.length)]!;
  }
}

export class Person {
  readonly runs = new Map<string, Remembered>();
  readonly #name: string;
  readonly #around: Surroundings;
  readonly #random: Random;
  readonly #caller: Caller;
  #count = 0;
  /** How many more trainings to begin. */
  #trainings: number;

  constructor(name: string, seed: string, around: Surroundings, trainings: number) {
    this.#name = name;
    this.#around = around;
    this.#random = random(seed, name);
    this.#caller = new Caller(around.urls, this.#random);
    this.#trainings = trainings;
  }

  more(trainings: number): void {
    this.#trainings += trainings;
  }

  /** One thing after the other, with hardly a pause, while the work goes on. */
  async work(goesOn: () => boolean): Promise<void> {
    while (goesOn()) {
      try {
        await this.#step();
      } catch (error) {
        const { code, status } = error as TrainyardError;
        this.#fault(`${code ?? ""} ${status ?? ""} ${(error as Error).stack}`);
      }
      await sleep(this.#random.below(80));
    }
  }

  /** Whether a run is as its owner was told. */
  check(
    run: Pick<Run, "name" | "tags" | "state" | "reason" | "trashedAt" | "experiment"> & { note?: string; version?: number },
    own: Remembered,
  ): void {
    const wrong = (what: string, told: unknown, is: unknown) => {
      if (JSON.stringify(told) !== JSON.stringify(is))
        this.#fault(`run ${own.id}: ${what} is ${JSON.stringify(is)}, but ${JSON.stringify(told)} was acknowledged`);
    };
    wrong("name", own.name, run.name);
    if (run.note !== undefined) wrong("note", own.note, run.note);
    wrong("tags", sorted(own.tags), sorted(run.tags));
    wrong("trashed", own.trashed, run.trashedAt !== undefined);
    wrong("experiment", own.experiment, run.experiment);
    if (run.version !== undefined && run.version < own.version) this.#fault(`run ${own.id} went back from version ${own.version} to ${run.version}`);
    // What is killed again and again before it gets anywhere is given up, until a person lets it go on.
    if (run.reason && run.state === "failed" && run.reason.code !== "WORKER_LOST") this.#fault(`run ${own.id} failed: ${JSON.stringify(run.reason)}`);
  }

  lost(own: Remembered): void {
    this.#fault(`run ${own.id} (${own.name}) is lost`);
  }

  #fault(what: string): void {
    if (this.#around.faults.length < 100) this.#around.faults.push(`${new Date().toISOString()} ${this.#name}: ${what}`);
  }

  #chance(one: number): boolean {
    return this.#random.next() < one;
  }

  async #step(): Promise<void> {
    const { runs } = this;
    const own = [...runs.values()];
    if (this.#trainings > 0) {
      for (const one of own) if (one.unfinished) await this.#look(one);
      if (!own.some(({ unfinished }) => unfinished)) return this.#train();
    }
    if (own.length < 5 || this.#chance(0.2)) return this.#draft();
    if (this.#chance(0.03)) return this.#register();
    if (this.#chance(0.03)) return this.#purge();
    // Rather a recent one, as old ones are mostly archived.
    return this.#change(own[Math.max(this.#random.below(own.length), this.#random.below(own.length))]!);
  }

  async #train(): Promise<void> {
    this.#trainings--;
    const names = Object.keys(this.#around.trainings);
    const settings = names[this.#random.below(names.length)]!;
    const number = ++this.#count;
    const body = {
      ...this.#around.trainings[settings]!,
      draft: this.#chance(0.2),
      name: `${this.#name} ${number}`,
      tags: { number: String(number) },
    };
    this.#remember(await this.#caller.call("createRun", { body }), settings);
  }

  async #draft(): Promise<void> {
    const number = ++this.#count;
    const body = {
      dataset: { id: "iris" },
      model: { id: "softmax-regression" },
      draft: true,
      name: `${this.#name} ${number}, a draft`,
      note: `note ${number}`,
    };
    this.#remember(await this.#caller.call("createRun", { body }));
  }

  #remember(run: Run, settings?: string): void {
    const { id, name, note, tags, version } = run;
    this.#around.acknowledged++;
    if (this.runs.has(id)) this.#fault(`${id} is the id of two runs`);
    this.runs.set(id, { id, settings, name, note, tags, version, trashed: false, unfinished: isUnfinished(run) });
  }

  /** The run as the server has it, checked against what was told. Undefined once it is forgotten. */
  async #look(own: Remembered): Promise<Run | undefined> {
    try {
      const run = await this.#caller.call("getRun", { params: { id: own.id } });
      this.check(run, own);
      own.unfinished = isUnfinished(run);
      return run;
    } catch (error) {
      // Out of the trash someone may have purged it.
      if (!(error instanceof TrainyardError && error.code === "NOT_FOUND")) throw error;
      if (own.trashed) this.runs.delete(own.id);
      else this.lost(own);
      return undefined;
    }
  }

  async #change(own: Remembered): Promise<void> {
    const run = await this.#look(own);
    if (!run) return;
    if (run.trashedAt) return this.#chance(0.3) ? this.#do(own, "restoreRun") : undefined;
    if (run.experiment) return this.#chance(0.1) && this.#trainings > 0 ? this.#reproduce(own, run.experiment) : undefined;
    if (run.state === "draft" && own.settings) return this.#do(own, "startRun");
    if (run.state === "draft") return this.#chance(0.6) ? this.#edit(own) : this.#delete(own);
    if (["queued", "running"].includes(run.state)) return this.#chance(0.3) ? this.#do(own, "stopRun") : this.#edit(own);
    if (run.state === "failed") return this.#do(own, "resumeRun");
    if (run.state === "stopped") return this.#chance(0.8) ? this.#do(own, "resumeRun") : this.#edit(own);
    if (run.state === "succeeded" && own.settings) {
      if (this.#chance(0.4)) return this.#archive(own);
      if (this.#chance(0.2)) return this.#evaluate(own);
      if (this.#chance(0.2)) return this.#delete(own);
      if (this.#chance(0.2) && this.#trainings > 0) return this.#duplicate(own);
      return this.#edit(own);
    }
  }

  async #edit(own: Remembered): Promise<void> {
    const number = ++this.#count;
    const body = {
      ...(this.#chance(0.4) && { name: `${this.#name} ${number}` }),
      ...(this.#chance(0.4) && { note: `note ${number}\n${"and so on ".repeat(this.#random.below(50))}`.trim() }),
      ...(this.#chance(0.4) && { tags: { number: String(number), [`tag ${number}`]: "" } }),
    };
    const run = await this.#caller.call("editRun", { params: { id: own.id }, body });
    Object.assign(own, body, { version: run.version });
    this.#told(run, own);
  }

  async #delete(own: Remembered): Promise<void> {
    const run = await this.#caller.call("deleteRun", { params: { id: own.id } });
    own.trashed = true;
    this.#told(run, own);
  }

  /** What is done once: when nobody knows whether it was, look. */
  async #do(own: Remembered, operation: "startRun" | "restoreRun" | "stopRun" | "resumeRun"): Promise<void> {
    const params = { id: own.id };
    let run: Run | undefined;
    try {
      run = await (operation === "resumeRun" ? this.#caller.once(operation, { params, body: {} }) : this.#caller.once(operation, { params }));
    } catch (error) {
      // It was over before it could be stopped, or purged before it could be restored.
      if (!(error instanceof TrainyardError && ["WRONG_STATE", "NOT_FOUND"].includes(error.code))) throw error;
    }
    if (operation === "restoreRun") {
      run ??= await this.#caller.call("getRun", { params }).catch(() => undefined);
      if (!run) return void this.runs.delete(own.id);
      own.trashed = run.trashedAt !== undefined;
    }
    if (run) this.#told(run, own);
  }

  #told(run: Run, own: Remembered): void {
    this.#around.acknowledged++;
    this.check(run, own);
    own.version = Math.max(own.version, run.version);
    own.unfinished = isUnfinished(run);
  }

  async #archive(own: Remembered): Promise<void> {
    const params = { id: own.id };
    try {
      const experiment = await this.#caller.once("archiveRun", { params });
      if (experiment) {
        this.#around.acknowledged++;
        own.experiment = experiment.id;
        this.#around.experiments.set(experiment.id, experiment.hash);
        return;
      }
    } catch (error) {
      // An evaluation of it may end at this moment.
      if (!(error instanceof TrainyardError && error.code === "WRONG_STATE")) throw error;
    }
    own.experiment = (await this.#caller.call("getRun", { params })).experiment;
    if (!own.experiment) return;
    const { hash } = await this.#caller.call("getExperiment", { params: { id: own.experiment } });
    this.#around.experiments.set(own.experiment, hash);
  }

  async #evaluate(own: Remembered): Promise<void> {
    this.#around.jobs.add((await this.#caller.call("evaluateRun", { params: { id: own.id }, body: {} })).id);
    this.#around.acknowledged++;
  }

  async #duplicate(own: Remembered): Promise<void> {
    this.#trainings--;
    this.#remember(await this.#caller.call("duplicateRun", { params: { id: own.id }, body: {} }), own.settings);
  }

  async #reproduce(own: Remembered, experiment: string): Promise<void> {
    this.#trainings--;
    this.#remember(await this.#caller.call("reproduceExperiment", { params: { id: experiment } }), own.settings);
  }

  async #register(): Promise<void> {
    const table = `a,b,label\n${Array.from({ length: 40 }, () => `${this.#random.below(100)},${this.#random.below(100)},${this.#chance(0.5)}`).join("\n")}\n`;
    const bytes = new TextEncoder().encode(table);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    await this.#caller.steadily((client) => client.upload("uploadBlob", { params: { sha256 } }, bytes));
    const body = { name: `${this.#name} ${++this.#count}`, source: { id: "table" }, files: [{ name: "table.csv", sha256, size: bytes.length }] };
    this.#around.datasets.add((await this.#caller.call("registerDataset", { body })).id);
    this.#around.acknowledged++;
  }

  async #purge(): Promise<void> {
    await this.#caller.once("purge", {});
  }
}

/** Drafts that are not for training are of another model. */
const isUnfinished = ({ state, model, trashedAt }: Run): boolean => state !== "succeeded" && model !== "softmax-regression" && !trashedAt;
const sorted = (tags: Readonly<Record<string, string>>): [string, string][] => Object.entries(tags).sort(([a], [b]) => (a < b ? -1 : 1));
