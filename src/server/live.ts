/** What happens in the database, as it happens, for everyone in this process who waits for it. One LISTEN a channel, however many wait. */
import { EventEmitter, once } from "node:events";
import type { Database } from "./database/index.ts";
import { CHANGES } from "./entity.ts";

/** Told when a job may have become claimable. */
export const JOBS = "jobs";
/** Told when metric points or progress of a run came in: the payload is the run's id. */
export const POINTS = "points";

export class Live {
  readonly #emitter = new EventEmitter().setMaxListeners(0);
  #stops: (() => Promise<void>)[] = [];
  readonly #closing = new AbortController();

  static async start(db: Database): Promise<Live> {
    const live = new Live();
    // Undefined: the connection was lost for a while, so anything may have happened.
    const every = () => live.#emitter.emit("any");
    live.#stops = await Promise.all([
      db.listen(CHANGES, (payload) => {
        if (payload === undefined) return every();
        const [kind, id] = payload.split(":");
        live.#emitter.emit(`${kind}:${id}`);
        live.#emitter.emit(kind!);
      }),
      db.listen(POINTS, (payload) => (payload === undefined ? every() : live.#emitter.emit(`run:${payload}`))),
      db.listen(JOBS, () => live.#emitter.emit(JOBS)),
    ]);
    return live;
  }

  /** Aborted when the server shuts down: whoever waits goes home. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** Calls back when something of the entity changed, until the returned function is called. */
  on(entity: string, changed: () => void): () => void {
    this.#emitter.on(entity, changed).on("any", changed);
    return () => void this.#emitter.off(entity, changed).off("any", changed);
  }

  /** Calls back when something of any entity of these kinds changed. */
  onKinds(kinds: readonly string[], changed: () => void): () => void {
    for (const event of [...kinds, "any"]) this.#emitter.on(event, changed);
    return () => {
      for (const event of [...kinds, "any"]) this.#emitter.off(event, changed);
    };
  }

  /** Resolves when a job may have come, or after the time. */
  async job(ms: number, signal: AbortSignal): Promise<void> {
    const waited = AbortSignal.any([signal, this.closing, AbortSignal.timeout(ms)]);
    await once(this.#emitter, JOBS, { signal: waited }).catch(() => {});
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#emitter.emit("any");
    await Promise.all(this.#stops.map((stop) => stop()));
  }
}
