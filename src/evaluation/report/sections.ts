/** What a report says, in order, of any run: the page and its Markdown twin differ in how much of it they have room for. */
import type { WorstError } from "../../shared/evaluation.ts";
import type { Block, Cell, Picture, Section } from "./blocks.ts";
import { table } from "./blocks.ts";
import { axis, type Chart, type Points, STROKES, shares } from "./chart.ts";
import { advantage, headlineIds, metricIds, type ReportFacts, titleOf } from "./facts.ts";
import { confusedPairs, findingsOf, rankedSlices } from "./findings.ts";
import { cellValue, difference, number, percent, plain, rows, safePicture, whole } from "./text.ts";
import { thresholdChart, thresholdTable } from "./thresholds.ts";

/** The most that is shown of what may be many. */
export interface Room {
  readonly confusion: number;
  readonly pairs: number;
  readonly classes: number;
  readonly slices: number;
  readonly worst: number;
  readonly columns: number;
  readonly importance: number;
}

type Maker = (facts: ReportFacts, room: Room) => readonly (Block | undefined)[];
type Row = readonly [id: string, title: string, make: Maker];

const order: readonly Row[] = [
  ["summary", "Summary", (facts) => [tiles(facts), { kind: "findings", findings: findingsOf(facts) }]],
  ["metrics", "Metrics", (facts) => [metricTable(facts)]],
  ["values", "Predicted values", (facts) => [valueCharts(facts)]],
  ["confusion", "Confusion", (facts, room) => confusion(facts, room)],
  ["classes", "Classes", (facts, room) => [classTable(facts, room)]],
  ["curves", "Curves", (facts) => [classCharts(facts)]],
  [
    "threshold",
    "Threshold",
    ({ evaluation: { thresholds = [], labels = [] } }) => [thresholdChart(thresholds, labels), thresholdTable(thresholds, labels)],
  ],
  ["slices", "Slices", (facts, room) => [sliceTable(facts, room)]],
  ["importance", "Importance of features", (facts, room) => [importanceTable(facts, room)]],
  ["worst", "Worst errors", (facts, room) => worst(facts, room)],
  ["cross-validation", "Cross-validation", (facts) => [crossValidation(facts)]],
  ["learning-curve", "Learning curve", (facts) => learningCurve(facts)],
  ["making", "How it was made", (facts) => making(facts)],
];

/** The sections that this run has something for. */
export const sectionsOf = (facts: ReportFacts, room: Room): Section[] =>
  order.flatMap(([id, title, make]) => {
    const blocks = make(facts, room).filter((block) => block !== undefined);
    return blocks.length ? [{ id, title, blocks }] : [];
  });

/** What was left out, if anything was. */
const first = (shown: number, total: number, which: string): string => (shown < total ? `, ${which} ${whole(shown)} of ${whole(total)}` : "");

function tiles(facts: ReportFacts): Block {
  const { metrics, intervals } = facts.evaluation;
  const tiles = headlineIds(facts).map((id) => {
    const interval = intervals?.[id];
    return {
      title: titleOf(facts, id),
      value: number(metrics[id]),
      below: interval ? `95 %: ${number(interval[0])} to ${number(interval[1])}` : `on ${rows(facts.evaluation.samples)}`,
    };
  });
  return { kind: "tiles", tiles };
}

function metricTable(facts: ReportFacts): Block {
  const { metrics, intervals, train, baseline, samples } = facts.evaluation;
  const shown = metricIds(facts).map((id): Cell[] => {
    const interval = intervals?.[id];
    return [
      titleOf(facts, id),
      { text: number(metrics[id]), strong: true },
      ...(intervals ? [interval ? `${number(interval[0])} to ${number(interval[1])}` : "–"] : []),
      ...(train ? [number(train.metrics[id])] : []),
      ...(baseline ? [number(baseline.metrics[id])] : []),
      facts.metricTitles[id]?.better ?? "–",
    ];
  });
  const titles = [
    "Metric",
    "Test",
    ...(intervals ? ["95 % interval"] : []),
    ...(train ? ["Train"] : []),
    ...(baseline ? ["Baseline"] : []),
    "Better",
  ];
  const beside = [
    `Test: ${rows(samples)} that training never saw`,
    ...(train ? [`train: ${rows(train.samples)} that it learnt from`] : []),
    ...(baseline ? [`baseline: ${baseline.model}, on the test rows`] : []),
  ];
  return table(beside.join("; "), titles, shown);
}

// --- classification ---

function confusion(facts: ReportFacts, { confusion: most, pairs }: Room): Block[] {
  const { confusion: cells, labels = [] } = facts.evaluation;
  if (!cells) return [];
  if (labels.length > most) {
    const confused = confusedPairs(facts);
    const shown = confused.slice(0, pairs).map(({ truth, predicted, count, share }) => [truth, predicted, whole(count), percent(share)]);
    const caption = `Pairs that were confused${first(shown.length, confused.length, "the most frequent")}`;
    return [table(caption, ["Truth", "Predicted", "Rows", "Of the class"], shown, { named: 2 })];
  }
  const shaded = cells.map((row, t): Cell[] => {
    const total = row.reduce((a, b) => a + b, 0);
    return [labels[t]!, ...row.map((n, p) => ({ text: whole(n), shade: { right: t === p, amount: total ? n / total : 0 } }))];
  });
  return [table("Rows of the test split by true and by predicted class", ["Truth", ...labels], shaded, { over: "Predicted" })];
}

function classTable(facts: ReportFacts, { classes: most }: Room): Block | undefined {
  const { classes, labels = [], macro, weighted } = facts.evaluation;
  if (!classes) return undefined;
  const all = classes.map((scores, c) => ({ ...scores, label: labels[c]! }));
  const shown = all.length > most ? [...all].sort((a, b) => a.f1 - b.f1).slice(0, most) : all;
  const means = Object.entries({ "Mean of the classes": macro, "Mean of the rows": weighted }).flatMap(([name, scores]) =>
    scores ? [[name, number(scores.precision), number(scores.recall), number(scores.f1), "", "", ""]] : [],
  );
  const body = shown.map(({ label, precision, recall, f1, support, roc_auc, pr_auc }) => [
    label,
    ...[precision, recall, f1].map(number),
    whole(support),
    ...[roc_auc, pr_auc].map(number),
  ]);
  const caption = `Each class against the others${first(shown.length, all.length, "the worst")}`;
  return table(caption, ["Class", "Precision", "Recall", "F1", "Rows", "ROC-AUC", "PR-AUC"], [...body, ...means]);
}

type Curves = NonNullable<ReportFacts["evaluation"]["curves"]>;
const unit: Points = [
  [0, 0],
  [1, 1],
];
const curveCharts: readonly {
  readonly id: "roc" | "pr" | "lift";
  readonly title: string;
  readonly across: string;
  readonly up: string;
  readonly area: string;
  readonly guide?: Chart["guide"];
}[] = [
  { id: "roc", title: "ROC", across: "False positive rate", up: "True positive rate", area: "area", guide: { label: "guessing", points: unit } },
  { id: "pr", title: "Precision and recall", across: "Recall", up: "Precision", area: "average precision" },
  {
    id: "lift",
    title: "Cumulative gain (lift)",
    across: "Share of rows, highest score first",
    up: "Share of the class",
    area: "area",
    guide: { label: "guessing", points: unit },
  },
];

function classCharts({ evaluation: { curves } }: ReportFacts): Block | undefined {
  if (!curves) return undefined;
  const charts = curveCharts.flatMap(({ id, title, across, up, area, guide }): Chart[] => {
    const all = curves[id];
    if (!all.length) return [];
    const shown = all.length > STROKES ? [...all].sort((a, b) => a.area - b.area).slice(0, STROKES) : all;
    const series = shown.map(({ label, area, points }) => ({ label: `${label} (${number(area)})`, as: "line" as const, points }));
    const named = `${title}${first(shown.length, all.length, "the worst")}`;
    const description = `By class, with its ${area}: ${series.map(({ label }) => label).join(", ")}.`;
    return [{ title: named, description, x: shares(across), y: shares(up), series, ...(guide && { guide }) }];
  });
  const calibrated = calibrationChart(curves);
  const shown = calibrated ? [...charts, calibrated] : charts;
  return shown.length ? { kind: "charts", charts: shown } : undefined;
}

function calibrationChart({ calibration }: Curves): Chart | undefined {
  if (!calibration?.bins.length) return undefined;
  const { ece, bins } = calibration;
  return {
    title: "Calibration",
    description: `Expected calibration error ${number(ece)}. ${bins.map((bin) => `Sure by ${percent(bin.confidence)}: right in ${percent(bin.accuracy)} of ${rows(bin.count)}`).join("; ")}.`,
    x: shares("Confidence"),
    y: shares("Share that is right"),
    series: [{ label: `this model (error ${number(ece)})`, as: "line-dots", points: bins.map(({ confidence, accuracy }) => [confidence, accuracy]) }],
    guide: { label: "as sure as right", points: unit },
  };
}

// --- regression ---

function valueCharts({ evaluation: { scatter, residuals, samples }, dataset: { target = "value" } }: ReportFacts): Block | undefined {
  if (!scatter?.length || !residuals?.length) return undefined;
  const both = axis(`True ${target}`, scatter.flat());
  const beside: Chart = {
    title: "Predicted and true",
    description: `${whole(scatter.length)} of ${rows(samples)}; on the line, both are the same.`,
    x: both,
    y: { ...both, title: `Predicted ${target}` },
    series: [{ label: rows(scatter.length), as: "dots", points: scatter }],
    guide: {
      label: "predicted = true",
      points: [
        [both.from, both.from],
        [both.to, both.to],
      ],
    },
  };
  const highest = residuals.reduce((most, bin) => (bin.count > most.count ? bin : most));
  const counts = axis(
    "Rows",
    residuals.map(({ count }) => count),
    { zero: true },
  );
  const errors: Chart = {
    title: "Residuals",
    description: `Predicted minus true, from ${number(residuals[0]!.from)} to ${number(residuals.at(-1)!.to)}; most rows lie between ${number(highest.from)} and ${number(highest.to)}.`,
    x: axis(
      "Predicted minus true",
      residuals.flatMap(({ from, to }) => [from, to]),
    ),
    y: counts,
    series: [{ label: rows(samples), as: "bars", bars: residuals.map(({ from, to, count }) => [from, to, count]) }],
    guide: {
      label: "no error",
      points: [
        [0, 0],
        [0, counts.to],
      ],
    },
  };
  return { kind: "charts", charts: [beside, errors] };
}

// --- either task ---

function sliceTable(facts: ReportFacts, { slices: most }: Room): Block | undefined {
  const ranked = rankedSlices(facts);
  if (!ranked) return undefined;
  const { metric, slices } = ranked;
  const total = facts.evaluation.metrics[metric]!;
  const shown = slices
    .slice(0, most)
    .map(({ column, value, samples, measured, difference: off }): Cell[] => [
      column,
      value,
      whole(samples),
      number(measured),
      { text: difference(off), strong: advantage(facts, metric, measured, total) < 0 },
    ]);
  const caption = `${titleOf(facts, metric)} by the values of a column, worst first; ${number(total)} in all${first(shown.length, slices.length, "the worst")}. Of few rows, a difference may be chance.`;
  return table(caption, ["Column", "Value", "Rows", titleOf(facts, metric), "Difference"], shown, { named: 2 });
}

function importanceTable({ evaluation: { importance } }: ReportFacts, { importance: most }: Room): Block | undefined {
  if (!importance.length) return undefined;
  const ranked = [...importance].sort((a, b) => b.mean - a.mean);
  const largest = Math.max(...ranked.map(({ mean }) => mean), Number.MIN_VALUE);
  const impure = ranked.some(({ impurity }) => impurity !== undefined);
  const shown = ranked
    .slice(0, most)
    .map(({ feature, mean, deviation, impurity }): Cell[] => [
      feature,
      { text: number(mean), bar: Math.max(0, mean / largest) },
      `± ${number(deviation)}`,
      ...(impure ? [number(impurity)] : []),
    ]);
  const caption = `How much worse the score gets when the values of a feature are shuffled among the test rows${first(shown.length, ranked.length, "the greatest")}`;
  return table(caption, ["Feature", "Loss of score", "Deviation", ...(impure ? ["Impurity"] : [])], shown);
}

function worst(facts: ReportFacts, room: Room): Block[] {
  const { worst: errors, task } = facts.evaluation;
  const shown = errors.slice(0, room.worst);
  const pictures = shown.flatMap((error): Picture[] => {
    const uri = safePicture(error.picture);
    return uri ? [{ uri, alt: `Row ${error.row} of the test split, of class ${error.truth}`, caption: toldOf(error) }] : [];
  });
  if (pictures.length) return [{ kind: "pictures", pictures }];
  if (!shown.length) return [];
  const columns = columnsOf(facts, shown).slice(0, room.columns);
  const value = task === "regression";
  const body = shown.map((error) => [
    `${error.row}`,
    cellValue(error.truth),
    cellValue(error.predicted),
    value ? (error.error === undefined ? "–" : difference(error.error)) : number(error.confidence),
    ...columns.map((name) => cellValue(error.sample?.[name])),
  ]);
  const counted = (name: string) => shown.every(({ sample }) => typeof sample?.[name] !== "string");
  const heads = [
    { title: "Row" },
    { title: "Truth", numeric: value },
    { title: "Predicted", numeric: value },
    { title: value ? "Error" : "Confidence", numeric: true },
    ...columns.map((title) => ({ title, numeric: counted(title) })),
  ];
  const what = value ? "Values that are furthest off" : "Mistakes that it was surest of";
  return [{ kind: "table", caption: `${what}; rows of the test split count from 0`, columns: heads, rows: body }];
}

const toldOf = ({ row, truth, predicted, confidence }: WorstError): string =>
  `Row ${row}: ${cellValue(truth)}, taken for ${cellValue(predicted)}${confidence === undefined ? "" : ` (${number(confidence)})`}`;

/** Columns of the rows that are shown, those that matter most in front. */
function columnsOf({ evaluation: { importance } }: ReportFacts, errors: readonly WorstError[]): string[] {
  const means = new Map(importance.map(({ feature, mean }) => [feature, mean]));
  const names = [...new Set(errors.flatMap(({ sample = {} }) => Object.keys(sample)))];
  return names.sort((a, b) => (means.get(b) ?? 0) - (means.get(a) ?? 0));
}

function crossValidation(facts: ReportFacts): Block | undefined {
  const done = facts.crossValidation;
  if (!done) return undefined;
  const body = metricIds({ ...facts, evaluation: { ...facts.evaluation, metrics: done.mean } }).map((id): Cell[] => {
    const values = done.results.flatMap(({ metrics }) => metrics[id] ?? []);
    return [
      titleOf(facts, id),
      { text: number(done.mean[id]), strong: true },
      `± ${number(done.deviation[id])}`,
      number(Math.min(...values)),
      number(Math.max(...values)),
      number(facts.evaluation.metrics[id]),
    ];
  });
  const how = [`${done.folds} folds`, ...(done.repeats > 1 ? [`repeated ${done.repeats} times`] : []), ...(done.stratified ? ["stratified"] : [])];
  const grouped = done.group === undefined ? "" : `, kept together by ${plain(done.group)}`;
  const caption = `Fitted anew on all folds of the training split but one, measured on that one: ${how.join(", ")}${grouped}`;
  return table(caption, ["Metric", "Mean", "Deviation", "Least", "Greatest", "Test split"], body);
}

function learningCurve(facts: ReportFacts): Block[] {
  const { points = [], held } = facts.learningCurve ?? {};
  const [id] = points.length ? metricIds({ ...facts, evaluation: { ...facts.evaluation, metrics: points[0]!.held } }) : [];
  if (id === undefined || held === undefined) return [];
  const line = (of: "train" | "held"): Points => points.flatMap((point) => (point[of][id] === undefined ? [] : [[point.samples, point[of][id]]]));
  const [train, apart] = [line("train"), line("held")];
  const chart: Chart = {
    title: `${titleOf(facts, id)} by the number of training rows`,
    description: `On rows that were set aside: ${apart.map(([n, value]) => `${number(value)} with ${rows(n)}`).join(", ")}.`,
    x: axis(
      "Training rows",
      train.concat(apart).map(([n]) => n),
      { zero: true },
    ),
    y: axis(
      titleOf(facts, id),
      train.concat(apart).map(([, value]) => value),
    ),
    series: [
      { label: "rows it learnt from", as: "line-dots", points: train },
      { label: `${rows(held)} set aside`, as: "line-dots", points: apart },
    ],
  };
  const body = points.map(({ samples, train, held, deviation }) => [
    whole(samples),
    number(train[id]),
    number(held[id]),
    `± ${number(deviation[id])}`,
  ]);
  const caption = `${titleOf(facts, id)} with more and more of the training rows`;
  return [{ kind: "charts", charts: [chart] }, table(caption, ["Training rows", "Learnt from", "Set aside", "Deviation"], body)];
}

function making(facts: ReportFacts): Block[] {
  const { model, dataset, settings, preprocessing, versions, evaluation } = facts;
  const { train, validation, test } = dataset.samples;
  const pairs = (caption: string, title: string, of: readonly (readonly [string, string])[]): Block[] =>
    of.length ? [table(caption, [title, "Value"], of, { named: 2 })] : [];
  return [
    {
      kind: "pairs",
      pairs: [
        ["Model", `${model.title} (${model.id})`],
        ["Dataset", dataset.name],
        ["Digest of the data", dataset.digest],
        ["Rows", `${whole(train)} to train, ${whole(validation)} to validate, ${whole(test)} to test`],
        ...(dataset.target === undefined ? [] : [["Target", dataset.target] as const]),
        ...(dataset.columns.length ? [["Features", dataset.columns.join(", ")] as const] : []),
        ...(dataset.licence === undefined ? [] : [["Licence of the data", dataset.licence] as const]),
        ...(evaluation.bestEpoch ? [["Best epoch", whole(evaluation.bestEpoch)] as const] : []),
      ],
    },
    ...(preprocessing.length
      ? [{ kind: "text", text: "Preprocessing, in this order:" } as const, { kind: "steps", steps: preprocessing } as const]
      : []),
    ...pairs(
      "Parameters of the model",
      "Parameter",
      Object.entries(model.params).map(([name, value]) => [name, paramText(value)]),
    ),
    ...pairs("Settings of the run", "Setting", settings),
    ...pairs("Versions", "Program", Object.entries(versions)),
  ];
}

export const paramText = (value: ReportFacts["model"]["params"][string]): string =>
  typeof value === "object" ? JSON.stringify(value) : String(value);
