/** A run's evaluation for people to read and keep: a page, Markdown, a model card. */
import { Readable } from "node:stream";
import { catalog } from "../../../catalog/index.ts";
import { modelCard } from "../../../evaluation/report/card.ts";
import type { ReportFacts } from "../../../evaluation/report/facts.ts";
import { htmlReport } from "../../../evaluation/report/html.ts";
import { markdownReport } from "../../../evaluation/report/markdown.ts";
import type { reportFormats } from "../../../shared/api/endpoints.ts";
import type { ParamValues } from "../../../shared/define.ts";
import { fail } from "../../../shared/errors.ts";
import type { CrossValidation, LearningCurve } from "../../../shared/evaluation.ts";
import type { Download } from "../../handler.ts";
import type { Kernel } from "../../kernel.ts";
import { type RunState, runEntity } from "../runs/run.ts";
import { getEvaluation, jsonArtifact } from "./service.ts";

const formats: Record<(typeof reportFormats)[number], readonly [filename: string, render: (facts: ReportFacts) => string]> = {
  html: ["report.html", htmlReport],
  markdown: ["report.md", markdownReport],
  card: ["README.md", modelCard],
};

export async function getReport(kernel: Kernel, id: string, format: keyof typeof formats): Promise<Download> {
  const { state } = await runEntity.get(kernel.db.query, id);
  const [filename, render] = formats[format];
  const bytes = Buffer.from(render(await factsOf(kernel, state)));
  return { body: Readable.from([bytes]), size: bytes.length, filename };
}

async function factsOf(kernel: Kernel, state: RunState): Promise<ReportFacts> {
  const evaluation = await getEvaluation(kernel, state.id);
  const { facts, settings, source } = state;
  if (!facts) throw fail("ARTIFACT_MISSING", { what: `run "${state.name}"`, name: "facts", fix: "Train it first." });
  const { dataset, model, preprocessing = [], augmentation, network: _, ...parts } = settings;
  const entry = catalog.datasets.find((one) => one.id === dataset.id);
  const kind = [...catalog.models, ...catalog.learners].find((one) => one.id === model.id);
  const optional = async <T>(name: string) => (state.artifacts[name] ? ((await jsonArtifact(kernel, state, name, "")) as T) : undefined);
  return {
    run: {
      name: state.name,
      number: state.number,
      createdAt: state.createdAt,
      createdBy: state.createdBy,
      note: state.note,
      tags: Object.entries(state.tags).map(([key, value]) => (value ? `${key}=${value}` : key)),
    },
    dataset: {
      name: source ? `${source.name}@${source.version}` : dataset.id,
      digest: facts.dataset.digest,
      samples: facts.dataset.samples,
      columns: facts.dataset.columns,
      ...(!source && entry?.licence && { licence: entry.licence }),
    },
    model: { id: model.id, title: kind?.title ?? model.id, params: model.params as ParamValues },
    settings: [
      ...Object.entries(parts).flatMap(([part, given]): (readonly [string, string])[] =>
        "params" in given ? [[part, assignments((given as typeof model).id, (given as typeof model).params)]] : [[part, assignments("", given)]],
      ),
      ...(augmentation ? [["augmentation", augmentation.map(({ layer, params }) => assignments(layer, params)).join("; ")] as const] : []),
    ],
    preprocessing: preprocessing.map(({ step, computation }) => `${step}: ${computation}`),
    metricTitles: Object.fromEntries([
      ["loss", { title: "Loss", better: "lower" as const }],
      ...catalog.metrics.map(({ id, title, better }) => [id, { title, better }] as const),
    ]),
    evaluation: { ...evaluation, metrics: inOrder(evaluation.metrics) },
    crossValidation: await optional<CrossValidation>("cross-validation.json"),
    learningCurve: await optional<LearningCurve>("learning-curve.json"),
    versions: facts.versions,
  };
}

/** Metrics in the order of the catalog, which the database does not keep. */
const inOrder = (metrics: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(["loss", ...catalog.metrics.map(({ id }) => id)].flatMap((id) => (id in metrics ? [[id, metrics[id]!]] : [])));

/** adam learningRate=0.001 */
const assignments = (id: string, params: Readonly<Record<string, unknown>>): string =>
  [id, ...Object.entries(params).map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`)]
    .filter(Boolean)
    .join(" ");
