/**
 * A run as it goes, for everyone who watches: state, progress and metric points, at most four times a second whatever
 * the speed of the training. However many watch a run, the database is asked once for each update.
 */
import type { Points, Run } from "../../../shared/api/schemas.ts";
import { isOver } from "../../../shared/api/schemas.ts";
import type { Kernel } from "../../kernel.ts";
import { type Pulse, pulse, readSeries } from "./metrics.ts";
import { presentRun } from "./service.ts";

/** `version.batch`: how much of the run's state and of its metrics a watcher has seen. */
interface Cursor {
  readonly version: number;
  readonly batch: number;
}
const parse = (lastEventId: string | null | undefined): Cursor | undefined => {
  const [, version, batch] = /^(\d{1,9})\.(\d{1,9})$/.exec(lastEventId ?? "") ?? [];
  return version && batch ? { version: Number(version), batch: Number(batch) } : undefined;
};

export interface LiveMessage {
  readonly id: string;
  readonly event: "run" | "metrics" | "progress";
  readonly data: object;
}

interface Update extends Pick<Pulse, "batch" | "points"> {
  readonly run: Run;
  /** What all tell who have seen the update before: one object, so that it is written as JSON once. */
  readonly metrics: { readonly points: readonly Points[] };
}

const INTERVAL_MS = 250;
/** Points of a series that are enough to draw what was before. */
const HISTORY = 500;

/** The feeds of runs that someone watches. */
const feeds = new WeakMap<Kernel, Map<string, Feed>>();

function feedOf(kernel: Kernel, run: string): Feed {
  let all = feeds.get(kernel);
  if (!all) {
    all = new Map();
    feeds.set(kernel, all);
  }
  let feed = all.get(run);
  if (!feed) {
    feed = new Feed(kernel, run, () => all.delete(run));
    all.set(run, feed);
  }
  return feed;
}

/** Reads a run once for all who watch it. */
class Feed {
  readonly #kernel: Kernel;
  readonly #run: string;
  readonly #ended: () => void;
  readonly #watchers = new Set<(update: Update) => void>();
  readonly #off: () => void;
  /** Up to here the points were there before anybody watched. Whoever watches waits for it, so that what they read first is not older. */
  readonly ready: Promise<void>;
  #batch = 0;
  #last: Run | undefined;
  #changed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(kernel: Kernel, run: string, ended: () => void) {
    this.#kernel = kernel;
    this.#run = run;
    this.#ended = ended;
    this.#off = kernel.live.on(`run:${run}`, () => {
      this.#changed = true;
      this.#timer ??= setTimeout(() => this.#read(), 0);
    });
    this.ready = pulse(kernel.db.query, run, NONE).then((now) => {
      this.#batch = now?.batch ?? 0;
    });
  }

  watch(watcher: (update: Update) => void): () => void {
    this.#watchers.add(watcher);
    return () => {
      this.#watchers.delete(watcher);
      if (this.#watchers.size) return;
      this.#off();
      clearTimeout(this.#timer);
      this.#ended();
    };
  }

  async #read(): Promise<void> {
    const began = Date.now();
    this.#changed = false;
    try {
      await this.ready;
      const update = await read(this.#kernel, this.#run, this.#batch, this.#last);
      this.#batch = update.batch;
      this.#last = update.run;
      for (const tell of this.#watchers) tell(update);
    } catch (error) {
      this.#kernel.log.warn({ err: error }, "a run that is watched cannot be read");
      this.#changed = true;
    }
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        if (this.#changed && this.#watchers.size) this.#timer = setTimeout(() => this.#read(), 0);
      },
      Math.max(0, INTERVAL_MS - (Date.now() - began)),
    );
  }
}

/** After this batch there are no points. */
const NONE = 2 ** 31 - 1;

/**
 * The run as it is, and its points since a batch. The run first: of one that is over, all points are there then.
 * @param last what it was before: most updates bring points and progress, and nothing else of it is read then
 */
async function read(kernel: Kernel, id: string, since: number, last?: Run): Promise<Update> {
  const now = last && (await pulse(kernel.db.query, id, since));
  const same = now?.version === last?.version ? now : undefined;
  const run = same ? { ...last!, progress: same.progress } : await presentRun(kernel, id);
  const { batch, points } = same ?? (await pulse(kernel.db.query, id, since)) ?? { batch: 0, points: [] };
  return { run, batch, points, metrics: { points: points.map(withoutSeq) } };
}

/** The messages of one watcher: what it has not seen yet, then what happens, until the run is over or the watcher or the server goes. */
export async function* follow(kernel: Kernel, id: string, lastEventId: string | null | undefined, signal: AbortSignal): AsyncGenerator<LiveMessage> {
  const seen = parse(lastEventId);
  const waiting: Update[] = [];
  let wake = () => {};
  const feed = feedOf(kernel, id);
  const off = feed.watch((update) => {
    waiting.push(update);
    wake();
  });
  const gone = AbortSignal.any([signal, kernel.live.closing]);
  const leave = () => wake();
  gone.addEventListener("abort", leave);
  try {
    await feed.ready;
    const first = await read(kernel, id, seen?.batch ?? NONE);
    let at: Cursor = { version: first.run.version, batch: first.batch };
    let step = first.run.progress?.update;
    const idOf = ({ version, batch }: Cursor) => `${version}.${batch}`;
    // All of it comes with one id: whoever is cut off in between gets it again.
    if (!seen || seen.version !== at.version) yield { id: idOf({ version: at.version, batch: seen?.batch ?? 0 }), event: "run", data: first.run };
    const history = seen ? first.metrics.points : await readSeries(kernel.db.query, id, { limit: HISTORY, batch: first.batch });
    if (history.length)
      yield { id: idOf(at), event: "metrics", data: { points: history.map(({ series, steps, values }) => ({ series, steps, values })) } };
    if (first.run.progress) yield { id: idOf(at), event: "progress", data: first.run.progress };
    if (isOver(first.run.state)) return;
    while (!gone.aborted) {
      const update = waiting.shift();
      if (!update) {
        await new Promise<void>((resolve) => {
          wake = resolve;
          if (waiting.length || gone.aborted) resolve();
        });
        continue;
      }
      const { run } = update;
      const points = update.points.filter(({ seq }) => seq > at.batch);
      const metrics = points.length === update.points.length ? update.metrics : { points: points.map(withoutSeq) };
      const before = at.version;
      const changed = run.version > before;
      at = { version: Math.max(at.version, run.version), batch: Math.max(at.batch, update.batch) };
      if (points.length) yield { id: idOf({ ...at, version: before }), event: "metrics", data: metrics };
      if (run.progress && run.progress.update !== step) yield { id: idOf({ ...at, version: before }), event: "progress", data: run.progress };
      step = run.progress?.update;
      if (changed) yield { id: idOf(at), event: "run", data: run };
      if (isOver(run.state)) return;
    }
  } finally {
    gone.removeEventListener("abort", leave);
    off();
  }
}

const withoutSeq = ({ series, steps, values }: Points & { readonly seq?: number }): Points => ({ series, steps, values });
