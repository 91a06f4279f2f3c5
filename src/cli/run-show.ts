/** `trainyard runs show`: one run, whole. */
import type { Command } from "commander";
import { type Choice, choices, trainingParams } from "../catalog/run-settings.ts";
import type { Run } from "../shared/api/schemas.ts";
import type { Head, Params } from "../shared/define.ts";
import type { EvaluationReport } from "../shared/evaluation.ts";
import { add, answer, verb } from "./command.ts";
import { evaluationText } from "./evaluate.ts";
import { reasonText } from "./failure.ts";
import { findRun, runArgument } from "./find.ts";
import { bytes, digits, duration, thousands, when } from "./output.ts";
import { modelText, placeText } from "./progress.ts";
import { tagsText } from "./runs.ts";
import { pairs, table } from "./table.ts";

export function registerRunShow(runs: Command): void {
  add(runs, "show", "show a run: settings, metrics, evaluation, files")
    .argument("<run>", runArgument)
    .action(
      verb(async ({ client }, _, name: string) => {
        const { id } = await findRun(client, name);
        const run = await client.call("getRun", { params: { id } });
        const evaluation = run.evaluation && (await client.call("getEvaluation", { params: { id } }));
        return answer(run, () => runText(run, evaluation));
      }),
    );
}

function runText(run: Run, evaluation?: EvaluationReport): string {
  const { facts, progress } = run;
  const sections = [
    pairs([
      ["run", `${run.name} (#${run.number})`],
      ["id", run.id],
      ["state", run.trashedAt ? `${run.state}, in the trash since ${when(run.trashedAt)}` : run.state],
      ["why", reasonText(run.reason)],
      ["created", `${when(run.createdAt)} by ${run.createdBy}`],
      ["started", when(run.startedAt)],
      ["ended", when(run.endedAt)],
      ["took", run.startedAt && run.endedAt && duration((Date.parse(run.endedAt) - Date.parse(run.startedAt)) / 1000)],
      ["experiment", run.experiment],
      ["reproduces", run.reproduces],
      ["tags", tagsText(run.tags)],
      ["note", run.note],
      ["dataset", facts ? `${run.dataset}: ${samplesText(facts.dataset.samples)}` : run.dataset],
      ["model", modelText(run)],
      ["progress", progress && run.state === "running" ? `${placeText(progress)}, ${duration(progress.secondsLeft)} left` : ""],
      ["checkpoint", run.checkpoint && `after step ${thousands(run.checkpoint.update)}, ${when(run.checkpoint.at)}`],
    ]),
    `settings\n${indent(pairs(settingsOf(run)))}`,
  ];
  const metrics = Object.entries(run.metrics);
  if (metrics.length)
    sections.push(
      table(
        [
          { title: "metric", cell: ([name]) => name },
          { title: "last", cell: ([, m]) => digits(m.last), right: true },
          { title: "lowest", cell: ([, m]) => digits(m.min), right: true },
          { title: "at step", cell: ([, m]) => m.minStep, right: true },
          { title: "highest", cell: ([, m]) => digits(m.max), right: true },
          { title: "at step", cell: ([, m]) => m.maxStep, right: true },
          { title: "points", cell: ([, m]) => thousands(m.count), right: true },
        ],
        metrics,
      ),
    );
  if (evaluation) sections.push(evaluationText(evaluation));
  if (run.artifacts.length)
    sections.push(
      table(
        [
          { title: "file", cell: (f) => f.name },
          { title: "size", cell: (f) => bytes(f.size), right: true },
          { title: "sha256", cell: (f) => f.sha256 },
        ],
        run.artifacts,
      ),
    );
  return sections.join("\n\n");
}

const samplesText = ({ train, validation, test }: NonNullable<Run["facts"]>["dataset"]["samples"]): string =>
  `${thousands(train)} samples to train on, ${thousands(validation)} to validate, ${thousands(test)} to test`;

/** What can be set, part by part: optimizer adam, learningRate=0.001. */
function settingsOf({ settings }: Run): [string, string][] {
  const parts = (Object.keys(choices) as Choice[]).flatMap((part): [string, string][] => {
    if (!settings[part]) return [];
    const { id, params } = settings[part];
    return [[part, [id, ...assignments(params, choices[part].entries.find((e: Head) => e.id === id)?.params)].join(" ")]];
  });
  return [...parts, ["training", assignments(settings.training, trainingParams).join(" ")]];
}

/** In the order of the catalog, which the database does not keep. */
function assignments(values: Readonly<Record<string, unknown>>, specs: Params = {}): string[] {
  const names = [...new Set([...Object.keys(specs), ...Object.keys(values)])].filter((name) => name in values);
  return names.map((name) => `${name}=${typeof values[name] === "string" ? values[name] : JSON.stringify(values[name])}`);
}

const indent = (text: string): string => text.replace(/^/gm, "  ");
