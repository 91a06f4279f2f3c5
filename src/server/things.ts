/** Which project a thing belongs to. It stays there for good, so what was found once holds; its history is asked, as that outlasts the thing. */
import type { EntityKind } from "../shared/api/schemas.ts";
import type { Database } from "./database/index.ts";
import { type Ids, isUuid } from "./ids.ts";

const MOST = 100_000;

export class Things {
  readonly #db: Database;
  readonly #ids: Ids;
  readonly #known = new Map<string, string | null>();

  constructor(db: Database, ids: Ids) {
    this.#db = db;
    this.#ids = ids;
  }

  /** @returns its project; null for what belongs to none; undefined for what never was */
  async projectOf(kind: string, id: string): Promise<string | null | undefined> {
    const key = `${kind} ${id}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const row = await this.#db.query
      .selectFrom("events")
      .select("project")
      .where("kind", "=", kind as EntityKind)
      .where("entity", "=", id)
      .where("version", "=", 1)
      .executeTakeFirst();
    if (!row) return undefined;
    if (this.#known.size >= MOST) this.#known.clear();
    this.#known.set(key, row.project);
    return row.project;
  }

  /** @param ref its name, or its id: a row's own, or as the world sees it */
  async project(ref: string): Promise<string | undefined> {
    const id = isUuid(ref) ? ref : this.#ids.open(ref);
    const row = await this.#db.query
      .selectFrom("projects")
      .select("id")
      .where(id ? "id" : "name", "=", id ?? ref)
      .executeTakeFirst();
    return row?.id;
  }
}
