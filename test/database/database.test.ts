/** What both kinds of database promise. */
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Database, DatabaseOptions, Migrations } from "../../src/server/database/index.ts";
import { type AnyTables, available, openEmbedded, openOn, postgresServer, temporaryFolder } from "./kinds.ts";

const server = postgresServer();
const migrations: Migrations = {
  "001-first": [
    `create table kinds_of_value (
      id serial primary key, small integer, big bigint, exact numeric, float double precision, yes boolean, word text, at timestamptz, day date,
      json jsonb, bytes bytea, uuid uuid, words text[], bigs bigint[])`,
    "create table items (id integer primary key, value text not null)",
  ],
};

/** Where a database is, and the same once more. */
const kinds = {
  embedded: () => {
    const directory = temporaryFolder();
    return (options?: Partial<DatabaseOptions>) => openEmbedded({ directory, ...options });
  },
  postgresql: () => {
    const url = server().fresh();
    return async (options?: Partial<DatabaseOptions>) => openOn(await url, options);
  },
};

describe.each(Object.entries(kinds))("%s", (kind, place) => {
  if (kind === "postgresql" && !available) return test.skip("is not installed", () => {});
  let db: Database<AnyTables>;
  beforeAll(async () => {
    db = await place()({ migrations });
  });
  afterAll(() => db?.close());

  const items = async () => (await db.query.selectFrom("items").selectAll().orderBy("id").execute()) as { id: number; value: string }[];
  const insert = (id: number, value = "x") => db.query.insertInto("items").values({ id, value });

  test("says what it is, without a password", () => {
    expect(db.kind).toBe(kind);
    expect(db.name).toMatch(kind === "embedded" ? /^\/.*trainyard-/ : /^postgresql:\/\/127\.0\.0\.1:\d+\/test_\d+$/);
  });

  test("gives back values as they went in", async () => {
    const values = {
      small: -7,
      big: Number.MAX_SAFE_INTEGER,
      exact: 12.5,
      float: 0.1,
      yes: false,
      word: "Grüße 'and' \\ $1",
      at: new Date("2026-03-29T01:30:00.123Z"),
      day: "2026-02-28",
      json: { a: [1, null, { b: "c" }] },
      bytes: Uint8Array.from({ length: 256 }, (_, i) => i),
      uuid: "0190f3e1-0000-7000-8000-000000000001",
      words: ["a", 'b"', null],
      bigs: [1, Number.MIN_SAFE_INTEGER],
    };
    await db.query.insertInto("kinds_of_value").values(values).execute();
    const row = await db.query.selectFrom("kinds_of_value").selectAll().executeTakeFirstOrThrow();
    expect(row).toEqual({ ...values, id: 1 });
    expect(row.bytes.constructor).toBe(Uint8Array);
    expect(row.bytes.buffer.byteLength).toBe(256);
  });

  test("gives counts and sums as numbers, and nulls as null", async () => {
    const { rows } = await sql`select count(*) as n, sum(1) as s, avg(2) as a, null::bigint as nothing, 'infinity'::float8 as far`.execute(db.query);
    expect(rows).toEqual([{ n: 1, s: 1, a: 2, nothing: null, far: Number.POSITIVE_INFINITY }]);
  });

  test("refuses an integer that JavaScript would change", async () => {
    await expect(sql`select 9007199254740993::bigint`.execute(db.query)).rejects.toMatchObject({ code: "INTERNAL" });
    await db.check();
  });

  test("counts time in UTC", async () => {
    const { rows } = await sql`select date_trunc('day', '2026-01-01T23:30:00-05:00'::timestamptz) as day`.execute(db.query);
    expect(rows).toEqual([{ day: new Date("2026-01-02T00:00:00Z") }]);
  });

  test("refuses a string of several statements", async () => {
    await expect(sql`select 1; select 2`.execute(db.query)).rejects.toMatchObject({ code: "42601" });
    await db.check();
  });

  test("says which constraint was violated", async () => {
    await insert(1).execute();
    await expect(insert(1).execute()).rejects.toMatchObject({ code: "23505", constraint: "items_pkey" });
    await db.query.deleteFrom("items").execute();
  });

  test("keeps a transaction that somebody began by hand from the next", async () => {
    await sql`begin`.execute(db.query);
    await insert(1).execute();
    await sql`rollback`.execute(db.query);
    expect(await items()).toEqual([{ id: 1, value: "x" }]);
    await db.query.deleteFrom("items").execute();
  });

  test("says how many rows were changed", async () => {
    await db.query
      .insertInto("items")
      .values([1, 2, 3].map((id) => ({ id, value: "x" })))
      .execute();
    const { numDeletedRows } = await db.query.deleteFrom("items").where("id", ">", 1).executeTakeFirst();
    expect(numDeletedRows).toBe(2n);
    await db.query.deleteFrom("items").execute();
  });

  describe("a transaction", () => {
    test("keeps all of it", async () => {
      const result = await db.transaction(async (tx) => {
        await tx.insertInto("items").values({ id: 1, value: "a" }).execute();
        await tx.insertInto("items").values({ id: 2, value: "b" }).execute();
        return "done";
      });
      expect(result).toBe("done");
      expect(await items()).toHaveLength(2);
      await db.query.deleteFrom("items").execute();
    });

    test("keeps nothing of it when the work throws, and throws what it threw", async () => {
      const mine = new Error("no");
      const work = db.transaction(async (tx) => {
        await tx.insertInto("items").values({ id: 1, value: "a" }).execute();
        throw mine;
      });
      await expect(work).rejects.toBe(mine);
      expect(await items()).toEqual([]);
    });

    test("is not seen by others before it is committed", async () => {
      let inside: Promise<number> | undefined;
      await db.transaction(async (tx) => {
        await tx.insertInto("items").values({ id: 1, value: "a" }).execute();
        elsewhere.push(() => {
          inside = items().then(({ length }) => length);
        });
        await sql`select pg_sleep(0.05)`.execute(tx);
        if (kind === "postgresql") expect(await inside).toBe(0);
      });
      // On one connection the look had to wait.
      if (kind === "embedded") expect(await inside).toBe(1);
      await db.query.deleteFrom("items").execute();
    });

    test("is run again after a serialization failure", async () => {
      let runs = 0;
      await db.transaction(async (tx) => {
        await tx.insertInto("items").values({ id: ++runs, value: "a" }).execute();
        if (runs < 3) await sql`do $$ begin raise exception 'lost' using errcode = 'serialization_failure'; end $$`.execute(tx);
      });
      expect(await items()).toEqual([{ id: 3, value: "a" }]);
      await db.query.deleteFrom("items").execute();
    });

    test("is run again when the work wraps the database's error", async () => {
      let runs = 0;
      await db.transaction(async (tx) => {
        if (++runs > 1) return;
        await sql`do $$ begin raise exception 'lost' using errcode = 'deadlock_detected'; end $$`.execute(tx).catch((cause) => {
          throw new Error("wrapped", { cause });
        });
      });
      expect(runs).toBe(2);
    });

    test("must not ignore that a query failed", async () => {
      const work = db.transaction(async (tx) => {
        await tx.insertInto("items").values({ id: 1, value: "a" }).execute();
        await sql`select 1 / 0`.execute(tx).catch(() => {});
      });
      await expect(work).rejects.toThrow("internal: a transaction went on after one of its queries had failed, so nothing of it was kept");
      expect(await items()).toEqual([]);
    });

    test("must not use the database itself", async () => {
      const work = db.transaction(async () => items());
      await expect(work).rejects.toThrow("internal: a query of the database itself (db.query) was made inside a transaction");
      await db.check();
    });

    test("must not hold another", async () => {
      const work = db.transaction(() => db.transaction(async () => 1));
      await expect(work).rejects.toThrow("internal: a transaction was begun inside another");
      await db.check();
    });

    test("must not be used after its end", async () => {
      let late: (() => Promise<unknown>) | undefined;
      await db.transaction(async (tx) => {
        late = () => sql`select 1`.execute(tx);
      });
      await expect(late!()).rejects.toThrow(/after its transaction had ended|already/);
    });

    test("leaves the database usable for what it started and did not await", async () => {
      let later: Promise<unknown> | undefined;
      await db.transaction(async () => {
        later = new Promise((done) => setTimeout(done, 20)).then(() => items());
      });
      expect(await later).toEqual([]);
    });
  });

  test("does many things at once, each whole", async () => {
    const each = Array.from({ length: 30 }, (_, id) =>
      db.transaction(async (tx) => {
        const { rows } = await sql<{ n: number }>`select count(*) as n from items`.execute(tx);
        await tx
          .insertInto("items")
          .values({ id, value: `${rows[0]!.n}` })
          .execute();
      }),
    );
    await Promise.all([...each, ...Array.from({ length: 30 }, items)]);
    expect(await items()).toHaveLength(30);
    await db.query.deleteFrom("items").execute();
  });

  describe("listen", () => {
    const send = (payload: string) => db.transaction((tx) => sql`select pg_notify('news', ${payload})`.execute(tx));
    const heardBy = async (count: number, heard: unknown[]) => {
      await expect.poll(() => heard.length).toBe(count);
      return heard;
    };

    test("hears what was committed, in order, until it is stopped", async () => {
      const heard: unknown[] = [];
      const stop = await db.listen("news", (payload) => heard.push(payload));
      await send("one");
      await db
        .transaction(async (tx) => {
          await sql`select pg_notify('news', 'rolled back')`.execute(tx);
          throw new Error();
        })
        .catch(() => {});
      await send("two");
      await send("");
      expect(await heardBy(3, heard)).toEqual(["one", "two", ""]);
      await stop();
      await send("three");
      await db.check();
      expect(heard).toHaveLength(3);
    });

    test("goes on for others when one stops or fails", async () => {
      const heard: unknown[] = [];
      const stopFailing = await db.listen("news", () => {
        throw new Error("mine");
      });
      const stop = await db.listen("news", (payload) => heard.push(payload));
      await send("one");
      await heardBy(1, heard);
      await stopFailing();
      await send("two");
      expect(await heardBy(2, heard)).toEqual(["one", "two"]);
      await stop();
    });

    test("takes any name for a channel", async () => {
      const heard: unknown[] = [];
      const stop = await db.listen('Some "odd" name', (payload) => heard.push(payload));
      await sql`select pg_notify('Some "odd" name', 'x')`.execute(db.query);
      expect(await heardBy(1, heard)).toEqual(["x"]);
      await stop();
    });

    test("may ask the database for more", async () => {
      const seen: Promise<unknown>[] = [];
      const stop = await db.listen("news", () => seen.push(items()));
      await db.transaction(async (tx) => {
        await tx.insertInto("items").values({ id: 1, value: "a" }).execute();
        await sql`select pg_notify('news', '')`.execute(tx);
      });
      await heardBy(1, seen);
      expect(await seen[0]).toHaveLength(1);
      await stop();
      await db.query.deleteFrom("items").execute();
    });
  });

  test("says so when it is closed", async () => {
    await db.close();
    await db.close();
    await expect(db.check()).rejects.toMatchObject({ code: "DATABASE_UNAVAILABLE", status: 503 });
  });
});

describe("migrations", () => {
  const one = { "001-one": ["create table one (id integer)"] };
  const two = { ...one, "002-two": ["create table two (id integer)", "insert into two values (2)"] };
  const names = async (db: Database<AnyTables>) =>
    (await db.query.selectFrom("migrations").select("name").orderBy("name").execute()).map(({ name }) => name);

  test.each(Object.entries(kinds))("on %s are applied once, in order, and never changed", async (kind, place) => {
    if (kind === "postgresql" && !available) return;
    const open = place();
    const lines: string[] = [];
    const first = await open({ migrations: one });
    await first.close();
    const second = await open({ migrations: two, log: (line) => lines.push(line) });
    expect(await names(second)).toEqual(["001-one", "002-two"]);
    expect(lines).toEqual([`migrated ${second.name}: 002-two`]);
    await second.close();
    await expect(open({ migrations: { ...two, "001-one": ["create table one (id bigint)"] } })).rejects.toMatchObject({
      code: "MIGRATION_MISMATCH",
      message: `database ${second.name} does not fit this version of Trainyard: migration "001-one" has been changed since it was applied`,
    });
  });

  test.skipIf(!available)("of a newer version are respected, and none is slipped in before those that were applied", async () => {
    const open = kinds.postgresql();
    await (await open({ migrations: two })).close();
    await expect(open({ migrations: one })).rejects.toThrow(
      'migration "002-two" was applied to it, but is not known here: a newer version has used it',
    );
    await expect(open({ migrations: { ...two, "000-zero": ["select 1"] } })).rejects.toThrow('migration "000-zero" is missing from it');
  });

  test.skipIf(!available)("leave nothing behind when one fails", async () => {
    const open = kinds.postgresql();
    const failing = { "001-fails": ["create table one (id integer)", "create table two (id nonsense)"] };
    await expect(open({ migrations: failing })).rejects.toMatchObject({ code: "42704" });
    const db = await open({ migrations: one });
    expect(await names(db)).toEqual(["001-one"]);
    await db.close();
  });

  test.skipIf(!available)("are applied once by servers that start at the same time", async () => {
    const open = kinds.postgresql();
    const counted = { ...two, "003-three": ["insert into two values (3)"] };
    const servers = await Promise.all(Array.from({ length: 4 }, () => open({ migrations: counted })));
    expect(await servers[0]!.query.selectFrom("two").selectAll().orderBy("id").execute()).toEqual([{ id: 2 }, { id: 3 }]);
    await Promise.all(servers.map((server) => server.close()));
  });
});

/** Runs what another request would do: outside of the async context of whoever asks for it. */
const elsewhere: (() => void)[] = [];
const pump = setInterval(() => elsewhere.shift()?.(), 1);
afterAll(() => clearInterval(pump));
