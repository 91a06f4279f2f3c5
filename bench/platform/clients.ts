/** Many clients at once, each doing what people and tools do, without a pause: nothing may fail. */
import { randomUUID } from "node:crypto";
import { caller, drive, type Families, meter, query } from "./measure.ts";
import { integer, latency, progress, type Row, showShares } from "./report.ts";
import { teams } from "./runs.ts";
import type { Server } from "./server.ts";

const CLIENTS = 200;

/** @param ids of runs that may be changed */
export async function measureClients(server: Server, families: Families, ids: readonly string[], seconds: number): Promise<Row[]> {
  const call = caller(server.url, { sockets: CLIENTS });
  const pick = <T>(items: readonly T[]): T => items[Math.floor(Math.random() * items.length)]!;
  const run = () => `/api/runs/${pick(ids)}`;
  const list = (fields: Parameters<typeof query>[0]) => call("GET", `/api/runs?${query({ limit: 50, ...fields })}`);
  /** How often of a hundred times, and what. */
  const habits: readonly (readonly [number, () => Promise<unknown>])[] = [
    [20, () => list({})],
    [15, () => list({ sort: "-metrics.validation_accuracy" })],
    [10, () => list({ filter: [`tags.team=${pick(teams)}`, "metrics.train_loss:min<0.3"], sort: "-createdAt" })],
    [20, () => call("GET", run())],
    [15, () => call("GET", `${run()}/metrics`)],
    [3, () => call("GET", "/api/events?limit=50")],
    [2, () => call("GET", "/api/catalog")],
    [10, () => call("PATCH", run(), { note: `seen by ${randomUUID()}` })],
    [
      5,
      async () => {
        const { text } = await call("POST", "/api/runs", { dataset: { id: "iris" }, draft: true, tags: { team: pick(teams) } });
        await call("DELETE", `/api/runs/${JSON.parse(text).id}`);
      },
    ],
  ];
  const urn = habits.flatMap(([times, habit]) => Array.from({ length: times }, () => habit));
  const measured = meter({ server: server.pid, ...families });
  const { latencies, errors, seconds: took } = await drive(CLIENTS, { seconds }, () => pick(urn)());
  const shares = measured();
  call.close();
  for (const { message } of errors.slice(0, 5)) progress(`  failed: ${message}`);
  return [
    {
      what: `requests that failed, of ${integer(latencies.length + errors.length)} by ${CLIENTS} clients`,
      measured: `${errors.length}`,
      wanted: "0",
      ok: errors.length === 0,
      note: `${integer(took)} s of reading (85 %) and writing (15 %), ${integer(latencies.length / took)} requests /s, ${latency(latencies)}; ${showShares(shares)}`,
    },
  ];
}
