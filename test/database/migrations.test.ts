/** What migrations make of what is there already: each is applied to a database as the one before left it. */
import { expect, test } from "vitest";
import { migrations } from "../../src/server/migrations.ts";
import { available, type Open, openEmbedded, openOn, postgresServer, temporaryFolder } from "./kinds.ts";

const server = postgresServer();
/** A database that can be opened again and again. */
const places: Readonly<Record<string, () => Promise<Open>>> = {
  embedded: async () => {
    const directory = temporaryFolder();
    return (options) => openEmbedded({ directory, ...options });
  },
  ...(available && {
    postgresql: async () => {
      const url = await server().fresh();
      return (options) => openOn(url, options);
    },
  }),
};

/** The database as it was before a migration. */
const before = (name: string) => Object.fromEntries(Object.entries(migrations).filter(([other]) => other < name));

test.each(Object.keys(places))("002-tags makes the tags of runs rows beside their parameters, none too long for an index (%s)", async (kind) => {
  const open = await places[kind]!();
  const old = await open({ migrations: before("002-tags") });
  const id = (n: number) => `00000000-0000-4000-8000-00000000000${n}`;
  const of = { version: 1, state: "{}", name: "n", status: "draft", task: "regression", dataset: "d", model: "m", created_at: new Date(0) };
  const tags = { team: "vision", empty: "", 'of "two" words': "ä".repeat(250) };
  const runs = [tags, {}].map((tags, n) => ({ ...of, id: id(n), number: n + 1, tags: JSON.stringify(tags) }));
  await old.query.insertInto("runs").values(runs).execute();
  const params = [
    { path: "training.epochs", number: 3, text: "3" },
    { path: "model.params.hidden", number: null, text: "😀".repeat(300) },
  ];
  await old.query
    .insertInto("run_params")
    .values(params.map((param) => ({ run: id(0), run_number: 1, ...param })))
    .execute();
  await old.close();

  const now = await open({ migrations });
  const rows = await now.query.selectFrom("run_params").selectAll().execute();
  await now.close();
  expect(Object.fromEntries(rows.map(({ path, ...row }) => [path, row]))).toEqual({
    "training.epochs": { run: id(0), run_number: 1, number: 3, text: "3" },
    "model.params.hidden": { run: id(0), run_number: 1, number: null, text: "😀".repeat(250) },
    ...Object.fromEntries(Object.entries(tags).map(([name, text]) => [`tags.${name}`, { run: id(0), run_number: 1, number: null, text }])),
  });
});
