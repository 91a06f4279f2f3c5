/**
 * A process of its own that uses a folder's database, for tests that kill it: node process.mjs DIST MODE DIRECTORY [FIRST], with the compiled program
 * in DIST. Mode `lock` takes and releases the folder as lines of input tell it. Mode `write` waits for input, opens the database and writes numbered
 * rows, four at a time, printing each number once its row is acknowledged.
 */
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [dist, mode, directory, first = "0"] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(join(dist, "server/database", name)).href);
const owner = { pid: process.pid, what: `the ${mode} process` };
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

async function lock() {
  const { lockDirectory } = await load("directory-lock.js");
  let held;
  for await (const line of createInterface(process.stdin)) {
    try {
      if (line === "take") held = await lockDirectory(directory, owner);
      else await held.release();
      say("done");
    } catch (error) {
      say({ code: error.code, pid: error.details.pid });
    }
  }
}

async function write() {
  const { openDatabase } = await load("index.js");
  say("ready");
  await once(process.stdin, "data");
  const db = await openDatabase({ directory, owner, migrations: { 1: ["create table written (id integer primary key)"] } });
  say("open");
  const row = async (id) => {
    await db.transaction((tx) => tx.insertInto("written").values({ id }).execute());
    say(id);
  };
  for (let id = Number(first); ; id += 4) await Promise.all([row(id), row(id + 1), row(id + 2), row(id + 3)]);
}

await { lock, write }[mode]();
