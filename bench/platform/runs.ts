/** Made-up runs as people have them: a few teams try a few models on three datasets, with other parameters each time. The same for every measurement. */
import { randomUUID } from "node:crypto";
import { catalog } from "../../src/catalog/index.ts";
import { resolveSettings } from "../../src/catalog/run-settings.ts";
import { checkNetwork } from "../../src/engine/network.ts";
import type { Settings } from "../../src/server/modules/runs/run.ts";
import type { Points, RunFacts } from "../../src/shared/api/schemas.ts";
import type { EvaluationSummary } from "../../src/shared/evaluation.ts";
import { random } from "../../src/shared/random.ts";

export interface MadeRun {
  readonly id: string;
  readonly job: string;
  readonly name?: string;
  readonly note: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly settings: Settings;
  readonly facts: RunFacts;
  readonly outcome: "succeeded" | "failed" | "stopped";
  readonly evaluation: EvaluationSummary;
  /** What its worker reported, in order. */
  readonly reports: readonly (readonly Points[])[];
}

export const teams = ["vision", "speech", "search", "ads", "robots"] as const;
export const batchSizes = [16, 32, 64, 128] as const;
export const optimizers = ["adam", "adamw", "sgd"] as const;
const kinds = [
  ["mnist", "mlp"],
  ["mnist", "cnn"],
  ["fashion-mnist", "cnn"],
  ["fashion-mnist", "lenet-5"],
  ["iris", "mlp"],
] as const;
/** Reports of points of one run: a training of some seconds. */
const REPORTS = 8;
const EPOCHS = 10;

/** @param points of all its series together */
export function madeRun(index: number, points: number): MadeRun {
  const r = random(1, index);
  const pick = <T>(items: readonly T[]): T => items[r.below(items.length)]!;
  const [dataset, model] = pick(kinds);
  const settings = resolveSettings({
    dataset: { id: dataset },
    model: { id: model },
    optimizer: { id: pick(optimizers), params: { learningRate: 10 ** (-4 + 3 * r.next()) } },
    training: { epochs: EPOCHS, batchSize: pick(batchSizes), seed: index },
  }) as Settings;
  const goal = 0.6 + 0.39 * r.next();
  const chance = r.next();
  return {
    id: randomUUID(),
    job: randomUUID(),
    name: r.next() < 0.3 ? `sweep-${r.below(50)}-trial-${index}` : undefined,
    note: r.next() < 0.2 ? "Tried again with another seed, as the last one looked too good to be true." : "",
    tags: { team: pick(teams), ...(r.next() < 0.1 && { stage: "candidate" }) },
    settings,
    facts: factsOf(dataset, model, settings),
    outcome: chance < 0.9 ? "succeeded" : chance < 0.95 ? "failed" : "stopped",
    evaluation: { task: "classification", split: "test", samples: 10_000, loss: 1 - goal, metrics: { accuracy: goal } },
    reports: curves(points, goal, () => r.next()),
  };
}

/** Loss and accuracy of every few steps, and of every epoch on the validation split: falling, rising, noisy. */
function curves(points: number, goal: number, next: () => number): Points[][] {
  const perStep = Math.floor((points - 2 * EPOCHS) / 2);
  const series = (name: string, count: number, value: (done: number) => number): Points => ({
    series: name,
    steps: Array.from({ length: count }, (_, i) => i),
    values: Array.from({ length: count }, (_, i) => value((i + 1) / count) + 0.02 * (next() - 0.5)),
  });
  const all = [
    series("train_loss", perStep, (done) => 2.3 * Math.exp(-4 * done) + (1 - goal)),
    series("train_accuracy", points - 2 * EPOCHS - perStep, (done) => goal * (1 - Math.exp(-4 * done))),
    series("validation_loss", EPOCHS, (done) => 2.3 * Math.exp(-3 * done) + (1 - goal)),
    series("validation_accuracy", EPOCHS, (done) => goal * (1 - Math.exp(-5 * done))),
  ];
  const part = (whole: readonly unknown[], i: number) => Math.floor((i * whole.length) / REPORTS);
  return Array.from({ length: REPORTS }, (_, i) =>
    all.map(({ series, steps, values }) => ({
      series,
      steps: steps.slice(part(steps, i), part(steps, i + 1)),
      values: values.slice(part(values, i), part(values, i + 1)),
    })),
  );
}

const known = new Map<string, RunFacts>();
/** As its worker would have found them. */
function factsOf(dataset: string, model: string, settings: Settings): RunFacts {
  const key = `${dataset} ${model}`;
  const before = known.get(key);
  if (before) return before;
  const { task, sampleShape, labels, records } = catalog.datasets.find(({ id }) => id === dataset)!.facts!;
  const description = catalog.models.find(({ id }) => id === model)!.network(sampleShape, labels.length, settings.model.params as never);
  const { layers } = checkNetwork(description, catalog.layers, sampleShape);
  const { train, test } = records;
  const facts = {
    dataset: {
      id: dataset,
      digest: "0".repeat(64),
      source: "bench",
      task,
      sampleShape: [...sampleShape],
      columns: [],
      labels: [...labels],
      samples: { train: Math.round(0.9 * train), validation: Math.round(0.1 * train), test },
    },
    network: description as unknown as RunFacts["network"],
    layers: layers as unknown as RunFacts["layers"],
    parameters: layers.reduce((sum, layer) => sum + layer.parameters, 0),
    threads: 1,
    versions: { trainyard: "bench" },
  };
  known.set(key, facts);
  return facts;
}
