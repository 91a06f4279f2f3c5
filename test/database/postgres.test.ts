/** What a PostgreSQL server may do to those who use it, and what they should notice of it: nothing, or a clear word. */
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { sql } from "kysely";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import type { Database } from "../../src/server/database/index.ts";
import { type AnyTables, available, openOn, postgresServer } from "./kinds.ts";

const server = postgresServer();
const migrations = { "1": ["create table written (id integer not null)"] };
const opened: Database<AnyTables>[] = [];
const open = async (...args: Parameters<typeof openOn>) => {
  const db = await openOn(...args);
  opened.push(db);
  return db;
};
afterEach(async () => {
  await Promise.all(opened.splice(0).map((db) => db.close()));
});
const write = (db: Database<AnyTables>, id: number) => db.transaction((tx) => tx.insertInto("written").values({ id }).execute());
const written = async (db: Database<AnyTables>) => (await db.query.selectFrom("written").select("id").orderBy("id").execute()).map(({ id }) => id);

describe.skipIf(!available)("PostgreSQL", () => {
  test("two transactions that wait for each other both succeed", async () => {
    const db = await open(await server().fresh(), {
      migrations: { "1": ["create table two (id integer, n integer)", "insert into two values (1, 0), (2, 0)"] },
    });
    await sql`alter database ${sql.id(db.name.split("/").at(-1)!)} set deadlock_timeout = '20ms'`.execute(db.query);
    let met = 0;
    const both = [
      [1, 2],
      [2, 1],
    ].map((order) =>
      db.transaction(async (tx) => {
        for (const id of order) {
          await tx.updateTable("two").set({ n: sql`n + 1` }).where("id", "=", id).execute();
          met++;
          while (met < 2) await sleep(1);
        }
      }),
    );
    await Promise.all(both);
    expect(await db.query.selectFrom("two").selectAll().orderBy("id").execute()).toEqual([
      { id: 1, n: 2 },
      { id: 2, n: 2 },
    ]);
  });

  test("a server that restarts or crashes under twenty writers costs no row, doubles none, and shows them no error", {
    timeout: 60_000,
  }, async () => {
    const db = await open(await server().fresh(), { migrations });
    const acknowledged: number[] = [];
    let going = true;
    const writers = Array.from({ length: 20 }, async (_, writer) => {
      for (let id = writer * 1_000_000; going; id++) {
        await write(db, id);
        acknowledged.push(id);
      }
    });
    const readers = Array.from({ length: 3 }, async () => {
      for (; going; await sleep(5)) await db.query.selectFrom("written").select("id").limit(1).execute();
    });
    const more = async () => {
      const before = acknowledged.length;
      await expect.poll(() => acknowledged.length).toBeGreaterThan(before + 50);
    };
    await more();
    await server().restart("fast");
    await more();
    await server().restart("immediate");
    await more();
    await server().kill();
    await server().start();
    await more();
    going = false;
    await Promise.all([...writers, ...readers]);
    expect(await written(db)).toEqual(acknowledged.sort((a, b) => a - b));
  });

  test("a server that stays away is told of after the patience, and used again when it is back", { timeout: 30_000 }, async () => {
    const db = await open(await server().fresh(), { migrations, patienceSeconds: 0.5 });
    await write(db, 1);
    await server().stop("fast");
    const begun = Date.now();
    const gone = {
      code: "DATABASE_UNAVAILABLE",
      status: 503,
      message: expect.stringMatching(/^database postgresql:\/\/127.*test_\d+ is not available: .*ECONNREFUSED/),
    };
    await expect(write(db, 2)).rejects.toMatchObject(gone);
    expect(Date.now() - begun).toBeGreaterThan(300);
    await expect(db.check()).rejects.toMatchObject(gone);
    await expect(written(db)).rejects.toMatchObject(gone);
    await server().start();
    await write(db, 3);
    expect(await written(db)).toEqual([1, 3]);
  });

  test("one that is not there, refuses, or is none is told of at the start", async () => {
    const url = await server().fresh();
    const begun = Date.now();
    await expect(open(`${url}_missing`)).rejects.toMatchObject({ code: "DATABASE_UNAVAILABLE", message: expect.stringContaining("does not exist") });
    await expect(open("mysql://root:secret@localhost/x")).rejects.toMatchObject({
      code: "BAD_PARAMETER",
      message: expect.not.stringContaining("secret"),
    });
    expect(Date.now() - begun).toBeLessThan(2000);
    const nobody = open("postgresql://user:secret@127.0.0.1:1/x", { patienceSeconds: 0.1 });
    await expect(nobody).rejects.toMatchObject({ code: "DATABASE_UNAVAILABLE", message: expect.not.stringContaining("secret") });
  });

  test("what one server sends the others hear, also after a restart, of which they are told", async () => {
    const url = await server().fresh();
    const [a, b] = [await open(url), await open(url)];
    const heard: unknown[] = [];
    await b.listen("news", (payload) => heard.push(payload));
    const send = (payload: string) => a.transaction((tx) => sql`select pg_notify('news', ${payload})`.execute(tx));
    await send("one");
    await expect.poll(() => heard).toEqual(["one"]);
    await server().restart("immediate");
    await expect.poll(() => heard).toEqual(["one", undefined]);
    await send("two");
    await expect.poll(() => heard).toEqual(["one", undefined, "two"]);
  });

  describe("a network that breaks in the moment of COMMIT", () => {
    /** A database whose connections pass through a go-between. What that does with the first message that commits is the test's to say. */
    async function through(onCommit: (client: Socket, upstream: Socket, message: Buffer) => void) {
      const url = new URL(await server().fresh());
      const target = { port: Number(url.port), host: url.hostname };
      let broken = false;
      const between = createServer((client) => {
        const upstream = connect(target);
        upstream.on("error", () => {}).on("data", (data) => client.write(data));
        client.on("error", () => {}).on("close", () => upstream.destroy());
        client.on("data", (data) => {
          const pass = broken || !data.includes("; commit");
          if (pass) return upstream.write(data);
          broken = true;
          return onCommit(client, upstream, data);
        });
      });
      await new Promise<void>((done) => between.listen(0, "127.0.0.1", done));
      betweens.push(between);
      url.port = `${(between.address() as AddressInfo).port}`;
      return open(url.href, { migrations });
    }
    const betweens: Server[] = [];
    afterAll(() => {
      for (const between of betweens) between.close();
    });

    const once = async (db: Database<AnyTables>) => {
      let runs = 0;
      const result = await db.transaction(async (tx) => {
        await tx.insertInto("written").values({ id: 1 }).execute();
        return ++runs;
      });
      expect(result).toBe(runs);
      expect(await written(db)).toEqual([1]);
      return runs;
    };

    test("after the server got it: the transaction is not run again", async () => {
      const db = await through((client, upstream, message) => {
        upstream.removeAllListeners("data");
        upstream.write(message, () => client.destroy());
      });
      expect(await once(db)).toBe(1);
    });

    test("before the server got it: the transaction is run again", async () => {
      const db = await through((client) => client.destroy());
      expect(await once(db)).toBe(2);
    });

    test("before the server got it, which gets it later all the same: it refuses", async () => {
      let late: Promise<string> | undefined;
      const db = await through((client, upstream, message) => {
        client.removeAllListeners("close");
        client.destroy();
        late = sleep(500).then(
          () =>
            new Promise((done) =>
              upstream
                .removeAllListeners("data")
                .on("data", (answer) => done(`${answer}`))
                .write(message),
            ),
        );
      });
      expect(await once(db)).toBe(2);
      expect(await late).toContain("division by zero");
      expect(await written(db)).toEqual([1]);
    });
  });
});
