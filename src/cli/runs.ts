/** `trainyard runs`: the list of runs, and everything that can be done with one. */
import type { Command } from "commander";
import type { Run, RunSummary } from "../shared/api/schemas.ts";
import { collect, family, listing, type Options, several, verb, wholeNumber } from "./command.ts";
import { registerRunDvc } from "./dvc.ts";
import { digits, percent, say, when } from "./output.ts";
import { registerCompare } from "./run-compare.ts";
import { registerRunShow } from "./run-show.ts";
import { registerRunVerbs } from "./run-verbs.ts";
import type { Column } from "./table.ts";

interface ListOptions extends Options {
  readonly filter?: readonly string[];
  readonly sort?: string;
  readonly limit: number;
  readonly all?: boolean;
  readonly trash?: boolean;
  readonly archived?: boolean;
  readonly columns?: string;
}

export function registerRuns(program: Command): void {
  const runs = family(program, "runs", "list runs, show, compare and change them", list)
    .description("List runs, newest first. With a verb: show, compare or change them.")
    .option("--filter <condition>", "only runs for which it holds; may be given several times: state=succeeded, metrics.accuracy>0.9", several)
    .option("--sort <field>", "by what to sort, - first for descending: -metrics.test_accuracy, optimizer.params.learningRate")
    .option("--limit <integer>", "how many to list", wholeNumber("--limit", 1), 30)
    .option("--all", "list all")
    .option("--columns <a,b,…>", `what to show of each: ${Object.keys(fields).join(", ")}, or a metric such as validation_loss:min`)
    .option("--archived", "list the runs that were archived as experiments")
    .option("--trash", "list the runs in the trash");
  registerRunShow(runs);
  registerCompare(runs);
  registerRunVerbs(runs);
  registerRunDvc(runs);
}

/** The test score is told as people know it; which one depends on the task. */
const scores = ["test_accuracy", "test_mae"];
const score = ({ metrics }: RunSummary): string => {
  const [accuracy, error] = scores.map((name) => metrics[name]);
  return typeof accuracy === "number" ? percent(accuracy) : typeof error === "number" ? `error ${digits(error)}` : "";
};

const fields: Readonly<Record<string, Column<RunSummary>>> = {
  number: { title: "#", cell: (run) => run.number, right: true },
  name: { title: "run", cell: (run) => run.name },
  state: { title: "state", cell: (run) => run.state },
  dataset: { title: "dataset", cell: (run) => run.dataset },
  model: { title: "model", cell: (run) => run.model },
  task: { title: "task", cell: (run) => run.task },
  test: { title: "test", cell: score, right: true },
  tags: { title: "tags", cell: (run) => tagsText(run.tags) },
  created: { title: "created", cell: (run) => when(run.createdAt) },
  ended: { title: "ended", cell: (run) => when(run.endedAt) },
  id: { title: "id", cell: (run) => run.id },
};
const usual = ["number", "name", "state", "dataset", "model", "test", "created"];

const metric = (name: string): Column<RunSummary> => ({ title: name, cell: (run) => digits(run.metrics[name]), right: true });

const list = verb(async ({ client }, { filter, sort, limit, all, trash, archived, columns }: ListOptions) => {
  const chosen = columns?.split(",") ?? usual;
  const metrics = chosen.flatMap((name) => (name === "test" ? scores : name in fields ? [] : [name]));
  const flags = { ...(trash && { trash: "true" as const }), ...(archived && { archived: "true" as const }) };
  const { items, more } = await collect(
    (page) => client.call("listRuns", { query: { ...page, filter, sort, metrics, ...flags } }),
    all ? Number.POSITIVE_INFINITY : limit,
  );
  if (more) say(`There are more: --limit ${2 * limit}, or --all.`);
  const none = filter || trash || archived ? "no such runs" : "no runs yet; train one: npx trainyard train mnist";
  return listing(
    items,
    chosen.map((name) => fields[name] ?? metric(name)),
    none,
  );
});

export const tagsText = (tags: Run["tags"]): string =>
  Object.entries(tags)
    .map(([key, value]) => (value ? `${key}=${value}` : key))
    .join(" ");
