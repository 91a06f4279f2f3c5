/** The model card that travels with a model: README.md with front matter as Hugging Face reads it (huggingface/hub-docs: modelcard.md). */
import { stringify } from "yaml";
import { metricIds, type ReportFacts, titleOf } from "./facts.ts";
import { findingsOf } from "./findings.ts";
import { paragraphs, sectionLines } from "./markdown.ts";
import { type Room, sectionsOf } from "./sections.ts";
import { listed, markdown, plain, rows } from "./text.ts";

const room: Room = { confusion: 10, pairs: 10, classes: 30, slices: 10, worst: 0, columns: 0, importance: 15 };
const EVALUATION = ["metrics", "confusion", "classes", "slices", "importance", "cross-validation"];

/** What Hugging Face calls a metric that has another name here. */
const METRIC_NAMES: Readonly<Record<string, string>> = {
  "roc-auc": "roc_auc",
  matthews: "matthews_correlation",
  brier: "brier_score",
  r2: "r_squared",
};

export function modelCard(facts: ReportFacts): string {
  const sections = sectionsOf(facts, room);
  return [
    `---\n${stringify(frontMatter(facts))}---\n`,
    paragraphs([
      `# ${markdown(facts.run.name)}`,
      ...aboutLines(facts),
      ...limitLines(facts),
      ...sections.filter(({ id }) => id === "making").flatMap((section) => sectionLines({ ...section, title: "Training and data" })),
      "## Evaluation",
      ...sections
        .filter(({ id }) => EVALUATION.includes(id))
        .flatMap(sectionLines)
        .map((text) => text.replace(/^## /, "### ")),
    ]),
  ].join("\n");
}

function taskOf({ evaluation: { task }, dataset }: ReportFacts): readonly [type: string, name: string] {
  if (!dataset.columns.length) return ["image-classification", "Image classification"];
  return task === "classification" ? ["tabular-classification", "Tabular classification"] : ["tabular-regression", "Tabular regression"];
}

function frontMatter(facts: ReportFacts): unknown {
  const { run, dataset, evaluation } = facts;
  const [type, name] = taskOf(facts);
  const metrics = metricIds(facts).map((id) => ({
    type: METRIC_NAMES[id] ?? id.replaceAll("-", "_"),
    value: evaluation.metrics[id],
    name: titleOf(facts, id),
  }));
  const [set = dataset.name] = dataset.name.split("@");
  return {
    library_name: "trainyard",
    pipeline_tag: type,
    tags: [...new Set(["trainyard", "onnx", type, ...run.tags])],
    datasets: [set],
    metrics: metrics.map(({ type }) => type),
    "model-index": [
      {
        name: run.name,
        results: [{ task: { type, name }, dataset: { type: set, name: dataset.name, split: evaluation.split, revision: dataset.digest }, metrics }],
      },
    ],
  };
}

function aboutLines({ run, model, dataset, evaluation }: ReportFacts): string[] {
  const predicts =
    evaluation.task === "classification" ? `one of ${evaluation.labels?.length ?? 0} classes: ${listed(evaluation.labels ?? [], 20)}` : "a number";
  const from = dataset.columns.length ? `${dataset.columns.length} columns: ${listed(dataset.columns, 20)}` : "a picture";
  return [
    "## Model",
    markdown(
      `${model.title} (${model.id}), an ONNX graph. From ${from}, it predicts ${dataset.target === undefined ? "" : `${plain(dataset.target)}, `}${predicts}.`,
    ),
    markdown(`Run ${run.number} by ${run.createdBy}, ${run.createdAt.slice(0, 10)}.`),
    ...(run.note ? [`> ${markdown(run.note)}`] : []),
  ];
}

/** What the numbers allow to say, and no more. */
function limitLines(facts: ReportFacts): string[] {
  const { dataset, evaluation } = facts;
  return [
    "## Intended use and limits",
    markdown(
      `For data like that of ${dataset.name}. It was tested on ${rows(evaluation.samples)} of the same source, split off before training: what it is worth on data of another source, place or time was not measured.`,
    ),
    findingsOf(facts)
      .map(({ title, text }) => `- **${markdown(title)}.** ${markdown(text)}`)
      .join("\n"),
  ].filter(Boolean);
}
