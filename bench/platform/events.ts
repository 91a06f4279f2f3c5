/** How many events can be appended in a second: through HTTP as people change runs, and by the entities themselves. */
import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import { runEntity } from "../../src/server/modules/runs/run.ts";
import { openFor } from "./load.ts";
import { caller, driveWell, type Families, meter } from "./measure.ts";
import { integer, latency, type Row, showShares } from "./report.ts";
import type { Server } from "./server.ts";

const WANTED = 5000;
/** As the server has by default. */
const POOL = 12;
const PER_TRANSACTION = 10;

/** @param ids of runs that may be changed */
export async function measurePatches(server: Server, families: Families, ids: readonly string[], seconds: number): Promise<Row[]> {
  const clients = 64;
  const call = caller(server.url, { sockets: clients });
  const measured = meter({ server: server.pid, ...families });
  const { latencies, seconds: took } = await driveWell(clients, { seconds }, (i) =>
    call("PATCH", `/api/runs/${ids[i % ids.length]}`, { note: `Looked at ${i} times.` }),
  );
  call.close();
  return [
    {
      what: "changes of runs by HTTP, an event and a transaction each",
      measured: `${integer(latencies.length / took)} /s`,
      note: `${clients} clients, ${latency(latencies)}; ${showShares(measured())}`,
    },
  ];
}

export async function measureEvents(database: string, families: Families, seconds: number): Promise<Row[]> {
  const db = await openFor(database, POOL);
  // As rows have them, since no server is asked.
  const rowsOfRuns = await db.query.selectFrom("runs").select("id").where("experiment", "is", null).orderBy("name").limit(500).execute();
  const ids = rowsOfRuns.map(({ id }) => id);
  const context = { actor: "owner", correlation: randomUUID() };
  const rows: Row[] = [];
  // Distinct runs, so that none waits for another's lock.
  const change = (i: number, events: number) =>
    db.transaction(async (tx) => {
      for (let k = 0; k < events; k++)
        await runEntity.change(tx, ids[(i * events + k) % ids.length]!, context, () => [{ type: "edited", note: `${i}` }]);
    });
  const appends = (i: number) =>
    db.transaction((tx) =>
      runEntity.change(tx, ids[i % ids.length]!, context, () =>
        Array.from({ length: PER_TRANSACTION }, (_, k) => ({ type: "edited", note: `${i} ${k}` })),
      ),
    );
  for (const [what, events, work] of [
    ["events of one change each, a transaction each", 1, (i: number) => change(i, 1)],
    [`events of one change each, ${PER_TRANSACTION} changes of runs a transaction`, PER_TRANSACTION, (i: number) => change(i, PER_TRANSACTION)],
    [`events of changes that are ${PER_TRANSACTION} events each`, PER_TRANSACTION, appends],
  ] as const) {
    const syncs = await walSyncs(db);
    const measured = meter(families);
    const { latencies, seconds: took } = await driveWell(POOL, { seconds }, work);
    const shares = measured();
    const perSync = latencies.length / ((await walSyncs(db)) - syncs);
    const rate = (events * latencies.length) / took;
    rows.push({
      what,
      measured: `${integer(rate)} /s`,
      wanted: `${integer(WANTED)} /s`,
      ok: rate >= WANTED,
      note: `${POOL} connections; ${perSync.toFixed(1)} commits a sync of the log; ${showShares(shares)}`,
    });
  }
  await db.close();
  return rows;
}

async function walSyncs(db: Awaited<ReturnType<typeof openFor>>): Promise<number> {
  const { rows } = await sql<{ n: number }>`select wal_sync as n from pg_stat_wal`.execute(db.query);
  return Number(rows[0]!.n);
}
