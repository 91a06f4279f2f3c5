/** What it costs that nobody gets in without a right to: the gate of a request, the look-up of a token, and signing in while others work. */
import { setTimeout as sleep } from "node:timers/promises";
import { admit } from "../../src/server/gate.ts";
import { Identity } from "../../src/server/identity.ts";
import { Ids } from "../../src/server/ids.ts";
import { Keys } from "../../src/server/keys.ts";
import { Live } from "../../src/server/live.ts";
import { Things } from "../../src/server/things.ts";
import { endpoints } from "../../src/shared/api/endpoints.ts";
import { openFor } from "./load.ts";
import { caller, drive, median, quantile } from "./measure.ts";
import { latency, type Row } from "./report.ts";
import type { Server } from "./server.ts";

const GATE_MS = 0.2;
const TOKEN_MS = 1;
const LOGIN_MS = 150;
const LOGINS_A_SECOND = 20;
const PASSWORD = "correct horse battery";
const REQUESTS = 20_000;

const json = <T>({ text }: { text: string }): T => JSON.parse(text) as T;
const linkOf = (url: string): string => new URL(url).hash.slice(1);

/** @returns the name and a session of someone who may train */
async function account(server: Server, name: string): Promise<{ name: string; token: string }> {
  const call = caller(server.url, { sockets: 1 });
  const { url } = json<{ url: string }>(await call("POST", "/api/users", { role: "trainer" }));
  const body = { link: linkOf(url), name, password: PASSWORD, token: true };
  const { token } = json<{ token: string }>(await call("POST", "/api/links/use", body));
  call.close();
  return { name, token };
}

/** The gate as a request passes it, in this process: who asks, which thing, and whether they may. */
async function gate(server: Server, database: string): Promise<Row[]> {
  const { token: session } = await account(server, "bench-of-the-gate");
  const call = caller(server.url, { token: session, sockets: 1 });
  const { secret } = json<{ secret: string }>(await call("POST", "/api/tokens", { name: "bench", scope: "train" }));
  const { items } = json<{ items: { id: string }[] }>(await call("GET", "/api/runs?limit=100"));
  call.close();
  const db = await openFor(database, 4);
  const keys = await Keys.open(db);
  const live = await Live.start(db);
  const ids = new Ids(() => keys.bytes("ids"));
  const things = new Things(db, ids);
  const identity = new Identity({ db, keys, live }, { workerToken: "w".repeat(43), machineToken: "m".repeat(43) }, "trainyard");
  const headers = { authorization: `Bearer ${secret}` };
  const pass = async (i: number) =>
    admit({ ids, things }, await identity.who(headers), endpoints.getRun, { params: { id: items[i % items.length]!.id }, query: {} });
  for (let i = 0; i < 1000; i++) await pass(i);
  const began = performance.now();
  for (let i = 0; i < REQUESTS; i++) await pass(i);
  const each = (performance.now() - began) / REQUESTS;
  const cold: number[] = [];
  for (let i = 0; i < 500; i++) {
    identity.forget();
    const start = performance.now();
    await identity.who(headers);
    cold.push(performance.now() - start);
  }
  identity.close();
  await live.close();
  await keys.close();
  await db.close();
  return [
    {
      what: "the gate, a request: token, id, project, decision",
      measured: ms3(each),
      wanted: `< ${GATE_MS} ms`,
      ok: each < GATE_MS,
      note: `mean of ${REQUESTS.toLocaleString("en")} after 1,000, one after the other`,
    },
    {
      what: "a token that the server has to look up",
      measured: `${ms3(median(cold))}, p99 ${ms3(quantile(cold, 0.99))}`,
      wanted: `< ${TOKEN_MS} ms`,
      ok: median(cold) < TOKEN_MS,
      note: "at its first use, every 5 s, and after any change of accounts; connections and statements warm",
    },
  ];
}

const ms3 = (value: number): string => `${value.toFixed(3)} ms`;

/** People who sign in, so many a second whatever the answers take, while others read lists. */
async function logins(server: Server, seconds: number): Promise<Row[]> {
  const people = await Promise.all(Array.from({ length: LOGINS_A_SECOND }, (_, i) => account(server, `bench-${i}`)));
  const reading = caller(server.url, { sockets: 4 });
  const read = (duration: number) => drive(4, { seconds: duration }, () => reading("GET", "/api/runs?limit=50"));
  await read(2);
  const alone = await read(seconds);
  const call = caller(server.url, { token: "", sockets: 64 });
  const signIn = (i: number) => call("POST", "/api/login", { name: people[i % people.length]!.name, password: PASSWORD, token: true });
  await Promise.all(people.map((_, i) => signIn(i)));
  const atRate = async (): Promise<number[]> => {
    const latencies: number[] = [];
    await Promise.all(
      Array.from({ length: LOGINS_A_SECOND * seconds }, async (_, i) => {
        await sleep((1000 * i) / LOGINS_A_SECOND);
        const start = performance.now();
        await signIn(i);
        latencies.push(performance.now() - start);
      }),
    );
    return latencies;
  };
  const undisturbed = await atRate();
  const [beside, latencies] = await Promise.all([read(seconds), atRate()]);
  reading.close();
  call.close();
  const rate = ({ latencies, seconds }: typeof beside) => `${latency(latencies)}, ${(latencies.length / seconds).toFixed(0)} /s`;
  const row = (what: string, measured: readonly number[], note?: string): Row => ({
    what: `signing in, ${LOGINS_A_SECOND} a second${what}`,
    measured: latency(measured),
    wanted: `p99 < ${LOGIN_MS} ms`,
    ok: quantile(measured, 0.99) < LOGIN_MS,
    note,
  });
  return [
    row("", undisturbed),
    row(
      ", while four clients read lists without a pause, which alone takes both processors",
      latencies,
      `lists meanwhile ${rate(beside)}; before ${rate(alone)}`,
    ),
  ];
}

export async function measureGate(server: Server, database: string, seconds: number): Promise<Row[]> {
  return [...(await gate(server, database)), ...(await logins(server, seconds))];
}
