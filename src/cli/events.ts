/** `trainyard events` and `rewind`: what happened, and what something was at a time. */
import { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Command } from "commander";
import type { Client } from "../shared/api/client.ts";
import { type EntityKind, type EventView, entityKinds, modules } from "../shared/api/schemas.ts";
import { fail } from "../shared/errors.ts";
import { add, answer, collect, listing, type Options, verb, wholeNumber } from "./command.ts";
import { connect } from "./connect.ts";
import { findExperiment, findRun } from "./find.ts";
import { interrupted } from "./interrupt.ts";
import { say, when } from "./output.ts";
import type { Column } from "./table.ts";

interface Filter {
  readonly kind?: EntityKind;
  readonly entity?: string;
  readonly module?: (typeof modules)[number];
  readonly type?: string;
  readonly actor?: string;
  readonly from?: string;
  readonly to?: string;
}
interface EventOptions extends Options, Filter {
  readonly limit: number;
  readonly all?: boolean;
  readonly export?: boolean;
}

export function registerEvents(program: Command): void {
  add(
    program,
    "events",
    "list what happened",
    "List events, newest first: every recorded change of whatever there is: runs, datasets, accounts, the platform itself.",
  )
    .option("--kind <kind>", entityKinds.join(", "))
    .option("--entity <name>", "of one entity: its id, or with --kind run or experiment the name people use for it")
    .option("--module <module>", modules.join(", "))
    .option("--type <type>", "such as created, queued, succeeded")
    .option("--actor <actor>", "who did it")
    .option("--from <time>", "since then: 2026-01-31, or 2026-01-31T12:00:00Z", time("--from"))
    .option("--to <time>", "until then", time("--to"))
    .option("--limit <integer>", "how many to list", wholeNumber("--limit", 1), 50)
    .option("--all", "list all")
    .option("--export", "print all that match, oldest first, as JSON lines of CloudEvents 1.0")
    .action(async (options: EventOptions, command: Command) => (options.export ? exportEvents(options) : list(options, command)));

  add(program, "rewind", "show what something was at a time")
    .argument("<kind>", entityKinds.join(", "))
    .argument("<entity>", "its id; of runs and experiments also the name people use for it")
    .option("--at <time>", "when: 2026-01-31T12:00:00Z (default: now)", time("--at"))
    .action(
      verb(async ({ client }, { at }: Options & { at?: string }, kind: EntityKind, entity: string) => {
        const id = await idOf(client, kind, entity);
        const was = await client.call("rewind", { params: { kind, id }, query: { at } });
        return answer(was, () => `version ${was.version}, ${when(was.at)}\n${JSON.stringify(was.state, null, 2)}`);
      }),
    );
}

const columns: readonly Column<EventView>[] = [
  { title: "seq", cell: (e) => e.seq, right: true },
  { title: "time", cell: (e) => when(e.at) },
  { title: "kind", cell: (e) => e.kind },
  { title: "entity", cell: (e) => e.entity },
  { title: "event", cell: (e) => e.type },
  { title: "actor", cell: (e) => e.actor },
  { title: "data", cell: (e) => JSON.stringify(e.data).slice(0, 200) },
];

const list = verb(async ({ client }, options: EventOptions) => {
  const query = await queryOf(client, options);
  const { items, more } = await collect(
    (page) => client.call("listEvents", { query: { ...page, ...query } }),
    options.all ? Number.POSITIVE_INFINITY : options.limit,
  );
  if (more) say(`There are more: --limit ${2 * options.limit}, or --all.`);
  return listing(items, columns, "no such events");
});

/** As a stream: there may be more than fits into memory. */
async function exportEvents(options: EventOptions): Promise<void> {
  const { client, close } = await connect({ project: options.project });
  try {
    const response = await client.download("exportEvents", { query: await queryOf(client, options) });
    await pipeline(response.body as AsyncIterable<Uint8Array>, toStdout(), { signal: interrupted });
  } finally {
    await close();
  }
}

/** Standard output, left open, at the pace of its reader. */
const toStdout = () => new Writable({ write: (chunk, _, written) => void process.stdout.write(chunk, written) });

const queryOf = async (client: Client, { kind, entity, module, type, actor, from, to }: Filter) => ({
  kind,
  entity: entity && (await idOf(client, kind, entity)),
  module,
  type,
  actor,
  from,
  to,
});

async function idOf(client: Client, kind: EntityKind | undefined, entity: string): Promise<string> {
  if (kind === "run") return (await findRun(client, entity)).id;
  if (kind === "experiment") return (await findExperiment(client, entity)).id;
  return entity;
}

/** A day or a time, as the API wants it. @throws BAD_USAGE */
function time(flag: string): (text: string) => string {
  return (text) => {
    const date = new Date(text);
    if (Number.isNaN(date.valueOf()))
      throw fail("BAD_USAGE", { problem: `${flag} must be a time, but is "${text}"`, fix: "Give it as 2026-01-31 or 2026-01-31T12:00:00Z." });
    return date.toISOString();
  };
}
