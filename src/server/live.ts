/** What happens in the database, as it happens, for everyone in this process who waits for it. One LISTEN a channel, however many wait. */
import { EventEmitter, once } from "node:events";
import { sql } from "kysely";
import type { Database } from "./database/index.ts";
import { CHANGES } from "./entity.ts";

/** Told when a job may have become claimable. */
export const JOBS = "jobs";
/** Told when metric points or progress of a run came in: the payload is the run's id. */
const POINTS = "points";
/** Those who watch look four times a second. */
const TOGETHER_MS = 10;

export class Live {
  readonly #emitter = new EventEmitter().setMaxListeners(0);
  readonly #db: Database;
  readonly #moved = new Set<string>();
  #telling: NodeJS.Timeout | undefined;
  #stops: (() => Promise<void>)[] = [];
  readonly #closing = new AbortController();

  private constructor(db: Database) {
    this.#db = db;
  }

  static async start(db: Database): Promise<Live> {
    const live = new Live(db);
    // Undefined: the connection was lost for a while, so anything may have happened.
    const every = () => live.#emitter.emit("any");
    live.#stops = await Promise.all([
      db.listen(CHANGES, (payload) => {
        if (payload === undefined) return every();
        const [kind, id] = payload.split(":");
        live.#emitter.emit(`${kind}:${id}`);
        live.#emitter.emit(kind!, id);
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

  /** Calls back when something of any entity of these kinds changed, with its id where it is known. */
  onKinds(kinds: readonly string[], changed: (id?: string) => void): () => void {
    for (const event of [...kinds, "any"]) this.#emitter.on(event, changed);
    return () => {
      for (const event of [...kinds, "any"]) this.#emitter.off(event, changed);
    };
  }

  /**
   * Tells every server that points or progress of a run came in; to be called once they are committed. A transaction that notifies
   * keeps all others that do waiting until the log is synced, so what comes this often is told afterwards, for many runs together.
   */
  moved(run: string): void {
    this.#moved.add(run);
    this.#telling ??= setTimeout(() => this.#tell(), TOGETHER_MS);
  }

  #tell(): void {
    const runs = [...this.#moved];
    this.#moved.clear();
    this.#telling = undefined;
    // Where it fails, the next report or the end of the run tells it.
    sql`select pg_notify(${POINTS}, run) from unnest(${runs}::text[]) run`.execute(this.#db.query).catch(() => {});
  }

  /** Resolves when a job may have come, or after the time. */
  async job(ms: number, signal: AbortSignal): Promise<void> {
    const waited = AbortSignal.any([signal, this.closing, AbortSignal.timeout(ms)]);
    await once(this.#emitter, JOBS, { signal: waited }).catch(() => {});
  }

  async close(): Promise<void> {
    this.#closing.abort();
    clearTimeout(this.#telling);
    this.#emitter.emit("any");
    await Promise.all(this.#stops.map((stop) => stop()));
  }
}
