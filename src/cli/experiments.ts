/** `trainyard archive`, `experiments` and `reproduce`: runs that are kept for good. */
import type { Command } from "commander";
import type { Experiment } from "../shared/api/schemas.ts";
import { add, answer, collect, family, listing, verb } from "./command.ts";
import { connect } from "./connect.ts";
import { experimentArgument, findExperiment, findRun, runArgument } from "./find.ts";
import { detachFlag, type FollowOptions, follow, followHelp } from "./follow.ts";
import { bytes, digits, print, say, when } from "./output.ts";
import { type Column, pairs } from "./table.ts";

export function registerExperiments(program: Command): void {
  add(
    program,
    "archive",
    "keep a finished run for good",
    "Archive a finished run as an experiment: with its files and settings, immutable from then on.",
  )
    .argument("<run>", runArgument)
    .action(
      verb(async ({ client }, _, name: string) => {
        const experiment = await client.call("archiveRun", { params: { id: (await findRun(client, name)).id } });
        return answer(experiment, () => `${experiment.name} is archived as experiment ${experiment.hash.slice(0, SHORT)}, ${bytes(experiment.size)}`);
      }),
    );

  const experiments = family(program, "experiments", "list experiments, or show one", list).description("List experiments, newest first.");
  add(experiments, "show", "show an experiment and its manifest")
    .argument("<experiment>", experimentArgument)
    .action(
      verb(async ({ client }, _, name: string) => {
        const experiment = await findExperiment(client, name);
        const manifest = await (await client.download("getManifest", { params: { id: experiment.id } })).json();
        return answer({ ...experiment, manifest }, () => `${experimentText(experiment)}\n\n${JSON.stringify(manifest, null, 2)}`);
      }),
    );

  add(
    program,
    "reproduce",
    "train an experiment again and compare the bits",
    "Train again from an experiment's manifest, and tell whether the weights are the same bits.",
  )
    .argument("<experiment>", experimentArgument)
    .option(...detachFlag)
    .addHelpText("after", followHelp)
    .action(reproduce);
}

/** As much of a hash as tells experiments apart. */
const SHORT = 12;

const columns: readonly Column<Experiment>[] = [
  { title: "experiment", cell: (e) => e.name },
  { title: "hash", cell: (e) => e.hash.slice(0, SHORT) },
  { title: "dataset", cell: (e) => e.dataset },
  { title: "model", cell: (e) => e.model },
  { title: "metrics", cell: (e) => metricsText(e) },
  { title: "size", cell: (e) => bytes(e.size), right: true },
  { title: "created", cell: (e) => when(e.createdAt) },
];

const list = verb(async ({ client }) => {
  const { items } = await collect((query) => client.call("listExperiments", { query }), Number.POSITIVE_INFINITY);
  return listing(items, columns, "no experiments yet; archive a run: npx trainyard archive latest");
});

const metricsText = ({ metrics }: Experiment): string =>
  Object.entries(metrics)
    .map(([name, value]) => `${name} ${digits(value)}`)
    .join(", ");

const experimentText = (e: Experiment): string =>
  pairs([
    ["experiment", e.name],
    ["id", e.id],
    ["hash", e.hash],
    ["run", e.run],
    ["dataset", e.dataset],
    ["model", e.model],
    ["created", `${when(e.createdAt)} by ${e.createdBy}`],
    ["size", bytes(e.size)],
    ["metrics", metricsText(e)],
  ]);

async function reproduce(name: string, options: FollowOptions): Promise<void> {
  const connection = await connect({ workers: options.detach ? 0 : 1, project: options.project });
  try {
    const { id } = await findExperiment(connection.client, name);
    const run = await connection.client.call("reproduceExperiment", { params: { id } });
    const { reproduction } = await follow(connection, run, options);
    if (!reproduction) return; // detached or stopped
    if (!reproduction.same) process.exitCode = 1;
    if (options.json) return; // the run's last event has it
    print(reproduction.same ? "\nthe same bits as the experiment" : "\nNOT the same bits as the experiment");
    for (const difference of reproduction.differences) say(`  ${difference}`);
  } finally {
    await connection.close();
  }
}
