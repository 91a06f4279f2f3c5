/**
 * A process of its own that uses a folder's database, for tests that kill it: MODE DIRECTORY [FIRST]. Mode `lock` takes and releases the folder as
 * lines of input tell it. Mode `write` waits for input, opens the database and writes numbered rows, four at a time, printing each number once its
 * row is acknowledged.
 */
import { once } from "node:events";
import { createInterface } from "node:readline";
import { lockDirectory } from "../../src/server/database/directory-lock.ts";
import { openDatabase } from "../../src/server/database/index.ts";

const [mode, directory = "", first = "0"] = process.argv.slice(2);
const owner = { pid: process.pid, what: `the ${mode} process` };
const say = (line: unknown) => process.stdout.write(`${JSON.stringify(line)}\n`);

async function lock(): Promise<void> {
  let held: Awaited<ReturnType<typeof lockDirectory>> | undefined;
  for await (const line of createInterface(process.stdin)) {
    try {
      if (line === "take") held = await lockDirectory(directory, owner);
      else await held!.release();
      say("done");
    } catch (error) {
      const { code, details } = error as { code: string; details: { pid: number } };
      say({ code, pid: details.pid });
    }
  }
}

async function write(): Promise<void> {
  say("ready");
  await once(process.stdin, "data");
  const db = await openDatabase({ directory, owner, migrations: { 1: ["create table written (id integer primary key)"] } });
  say("open");
  const row = async (id: number) => {
    await db.transaction((tx) =>
      tx
        .insertInto("written" as never)
        .values({ id } as never)
        .execute(),
    );
    say(id);
  };
  for (let id = Number(first); ; id += 4) await Promise.all([row(id), row(id + 1), row(id + 2), row(id + 3)]);
}

await (mode === "lock" ? lock() : write());
