/** Tells the server how a job goes: facts, progress and points at most four times a second, files as soon as they are uploaded. */
import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Points, ProgressView, Report, RunFacts } from "../shared/api/schemas.ts";
import type { Position } from "../shared/events.ts";
import type { JobChannel } from "./job-channel.ts";
import type { Files, RunOutput } from "./output.ts";

const INTERVAL_MS = 250;
/** Of one series in one report, so that a report stays below a megabyte. */
const MOST_POINTS = 2000;
/** Points that may wait for a server that is away before the work waits, too. */
const BACKLOG = 200_000;

type FileRef = NonNullable<Report["artifacts"]>[number];
export type Point = readonly [series: string, step: number, value: number];

interface News {
  readonly facts?: RunFacts;
  readonly progress?: ProgressView;
  readonly points?: readonly Point[];
  readonly imported?: Report["imported"];
}

/** What the next report is made of. */
class Draft {
  facts?: RunFacts;
  progress?: ProgressView;
  checkpoint?: Report["checkpoint"];
  imported?: Report["imported"];
  readonly artifacts = new Map<string, FileRef>();
  readonly series = new Map<string, { readonly steps: number[]; readonly values: number[] }>();
  points = 0;

  add({ facts, progress, imported, points = [] }: News): void {
    this.facts = facts ?? this.facts;
    this.imported = imported ?? this.imported;
    this.progress = progress ?? this.progress;
    for (const [name, step, value] of points) {
      const { steps, values } = this.series.get(name) ?? { steps: [], values: [] };
      this.series.set(name, { steps, values });
      steps.push(step);
      values.push(value);
    }
    this.points += points.length;
  }

  get isEmpty(): boolean {
    return !this.facts && !this.progress && !this.imported && !this.checkpoint && !this.artifacts.size && !this.series.size;
  }

  /** The oldest points where there are too many for one report; else everything, so that a checkpoint comes after the points before it. */
  take(): Omit<Report, "token" | "sequence"> {
    const points = [...this.series].map(([series, { steps, values }]): Points => {
      if (steps.length <= MOST_POINTS) this.series.delete(series);
      return { series, steps: steps.splice(0, MOST_POINTS), values: values.splice(0, MOST_POINTS) };
    });
    this.points -= points.reduce((sum, { steps }) => sum + steps.length, 0);
    if (this.series.size) return { facts: this.facts, points };
    const { facts, progress, checkpoint, imported, artifacts } = this;
    const report = {
      ...(imported && { imported }),
      ...(facts && { facts }),
      ...(progress && { progress }),
      ...(points.length && { points }),
      ...(artifacts.size && { artifacts: [...artifacts.values()] }),
      ...(checkpoint && { checkpoint }),
    };
    this.facts = this.progress = this.checkpoint = this.imported = undefined;
    this.artifacts.clear();
    return report;
  }
}

export class Reporter implements RunOutput {
  readonly #channel: JobChannel;
  readonly #draft = new Draft();
  /** Saved, but not uploaded. */
  #unsent?: { readonly files: Files; readonly checkpoint?: Position };
  #uploading?: Promise<void>;
  #reporting?: Promise<void>;
  #failure?: unknown;
  #sequence = 0;
  #reportedAt = Number.NEGATIVE_INFINITY;

  constructor(channel: JobChannel) {
    this.#channel = channel;
  }

  /** Takes note of news; the report follows by itself. @throws what the server refused before */
  async tell(news: News): Promise<void> {
    if (this.#failure) throw this.#failure;
    this.#draft.add(news);
    this.#report();
    if (this.#draft.points > BACKLOG) await this.#reporting;
    await this.#channel.sent();
  }

  /**
   * Takes files to be uploaded and reported together. Training goes on meanwhile: files that still wait when newer ones of
   * their name come are never sent.
   * @throws what the server refused before
   */
  async save(files: Files, checkpoint?: Position): Promise<void> {
    if (this.#failure) throw this.#failure;
    this.#unsent = { files: { ...this.#unsent?.files, ...files }, checkpoint: checkpoint ?? this.#unsent?.checkpoint };
    this.#uploading ??= this.#watch(this.#uploadAll()).finally(() => {
      this.#uploading = undefined;
    });
    await this.#channel.sent();
  }

  /** Resolves when the server has everything. @throws what it refused */
  async flush(): Promise<void> {
    while (this.#uploading || this.#reporting) {
      await this.#uploading;
      await this.#reporting;
    }
    if (this.#failure) throw this.#failure;
  }

  async upload(files: Files): Promise<FileRef[]> {
    const refs: FileRef[] = [];
    for (const [name, parts] of Object.entries(files)) {
      const hash = createHash("sha256");
      for (const part of parts) hash.update(part);
      const sha256 = hash.digest("hex");
      await this.#channel.upload(sha256, parts);
      refs.push({ name, sha256, size: parts.reduce((sum, { length }) => sum + length, 0) });
    }
    return refs;
  }

  async #uploadAll(): Promise<void> {
    while (this.#unsent) {
      const { files, checkpoint } = this.#unsent;
      this.#unsent = undefined;
      for (const ref of await this.upload(files)) this.#draft.artifacts.set(ref.name, ref);
      if (checkpoint) this.#draft.checkpoint = { update: checkpoint.update, epoch: checkpoint.epoch };
      this.#report();
    }
  }

  #report(): void {
    this.#reporting ??= this.#watch(this.#reportAll()).finally(() => {
      this.#reporting = undefined;
    });
  }

  async #reportAll(): Promise<void> {
    await undefined; // whoever called has more to say before the first report
    while (!this.#draft.isEmpty) {
      await sleep(Math.max(0, this.#reportedAt + INTERVAL_MS - performance.now()));
      this.#reportedAt = performance.now();
      await this.#channel.report({ sequence: ++this.#sequence, ...this.#draft.take() });
    }
  }

  #watch(work: Promise<void>): Promise<void> {
    return work.catch((error) => {
      this.#failure ??= error;
    });
  }
}
