/** From checked settings to what is trained: the data read, the network built, the plan compiled. */
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pictureFront, tableFront } from "../data/front.ts";
import type { PictureStep, TableStep } from "../data/kinds.ts";
import { prepare } from "../data/prepare.ts";
import type { Step } from "../data/steps.ts";
import type { LayerDescription } from "../engine/kinds.ts";
import { checkNetwork, type Network } from "../engine/network.ts";
import { defaultThreads } from "../engine/trainer.ts";
import { compilePlan, type Plan, type PlanOptions } from "../engine/training-plan.ts";
import type { Dataset, FittedStep, Preparation } from "../shared/dataset.ts";
import type { Head } from "../shared/define.ts";
import { catalog } from "./index.ts";
import { type Chosen, learnerOf, type NetworkSettings, ofLearner, type RunSettings, stepsOf } from "./run-settings.ts";

/** The parts of a run, ready to train. */
export interface Assembled {
  readonly network: Network;
  readonly options: PlanOptions;
  readonly plan: Plan;
  readonly threads: number;
  readonly learningRate: number;
  readonly hyperparameters: Readonly<Record<string, number>>;
  readonly schedule: (progress: Parameters<(typeof catalog.schedules)[number]["factor"]>[0]) => number;
}

const entryOf = <E extends Head>(entries: readonly E[], { id }: Chosen): E => entries.find((e) => e.id === id)!;

export interface LoadOptions {
  /** What the steps of preprocessing learnt before. */
  readonly fitted?: readonly FittedStep[];
  /** Which rows of the training split (the validation split after it) to learn from, instead of those the snapshot and the settings say. */
  readonly rows?: Int32Array;
  /** A raw column to read along: what rows are grouped by. */
  readonly column?: string;
  /** Where downloads are kept for the next time; without it nothing is downloaded. */
  readonly cache?: string;
  readonly signal?: AbortSignal;
}

/**
 * Samples ready to train on: of a snapshot, when `path` is the folder of one, else of the dataset's files, imported for this once.
 * @throws what importing and preparing throw
 */
export async function loadDataset(settings: RunSettings, { fitted, rows, column, cache, signal }: LoadOptions = {}): Promise<Dataset> {
  const { dataset, path, preprocessing, training } = settings;
  const { id, importFiles } = entryOf(catalog.datasets, dataset);
  const from = (directory: string) =>
    prepare(directory, stepsOf(preprocessing), {
      id,
      source: path ?? id,
      // A classical model needs none to choose by.
      validation: { fraction: ofLearner(settings) ? 0 : settings.training.validation, seed: training.seed },
      fitted,
      rows,
      column,
      weights: training.sampleWeights || undefined,
      gaps: learnerOf(settings)?.missing,
    });
  if (path && existsSync(join(path, "snapshot.json"))) return from(path);
  const directory = await mkdtemp(join(tmpdir(), "trainyard-import-"));
  try {
    await importFiles(dataset.params as never, { path, directory, cache, signal });
    return await from(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** The steps that stand before the model in what is served, and what they take. */
export function frontOf({ steps, inputs, pictureShape }: Preparation): PlanOptions["front"] {
  const kinds = stepsOf(steps);
  if (!pictureShape)
    return () =>
      tableFront(
        kinds as readonly Step<TableStep>[],
        steps.map(({ fitted }) => fitted),
        inputs,
      );
  return kinds.some((step) => step.kind.of === "pictures" && step.kind.build)
    ? () => pictureFront(kinds as readonly Step<PictureStep>[], pictureShape)
    : undefined;
}

/** What a model tells of its preprocessing to whoever opens the file. */
export const describe = ({ steps, inputs, pictureShape }: Preparation): Record<string, string> => ({
  "trainyard.preprocessing": JSON.stringify(steps),
  "trainyard.inputs": JSON.stringify(pictureShape ? [{ name: "picture", type: "picture", shape: pictureShape }] : inputs),
});

/**
 * The network that settings describe, augmentation before it, checked against the shape of a sample.
 * @throws what `checkNetwork` throws
 */
export function networkOf({ model, network, augmentation = [] }: NetworkSettings, sampleShape: readonly number[], outputs: number): Network {
  const before = augmentation.map((one, i): LayerDescription => ({ id: `augmentation-${i + 1}`, ...one }));
  const last = before.at(-1)?.id;
  const shape = last ? checkNetwork({ layers: before }, catalog.layers, sampleShape).outputShape : sampleShape;
  const own = network ?? entryOf(catalog.models, model).network(shape, outputs, model.params as never);
  if (!last) return checkNetwork(own, catalog.layers, sampleShape);
  const moved = own.layers.map((layer) => ({
    ...layer,
    ...(layer.inputs && { inputs: layer.inputs.map((name) => (name === "input" ? last : name)) }),
  }));
  return checkNetwork({ ...own, layers: [...before, ...moved] }, catalog.layers, sampleShape);
}

/**
 * Builds the network for a dataset and compiles the plan.
 * @param settings checked for the dataset's task
 * @throws what `checkNetwork` and `compilePlan` throw
 */
export function assemble(settings: NetworkSettings, dataset: Dataset): Assembled {
  const { training } = settings;
  const [loss, optimizer, schedule] = [
    entryOf(catalog.losses, settings.loss),
    entryOf(catalog.optimizers, settings.optimizer),
    entryOf(catalog.schedules, settings.schedule),
  ];
  const outputs = dataset.task === "classification" ? dataset.labels.length : 1;
  const network = networkOf(settings, dataset.sampleShape, outputs);
  // A term whose factor is zero is left out of the graph; every other number is an input.
  const numbers = Object.entries(settings.optimizer.params as Record<string, number>).filter(([name]) => name !== "learningRate");
  const options: PlanOptions = {
    network,
    task: dataset.task,
    loss,
    lossParams: settings.loss.params,
    optimizer,
    optimizerParams: settings.optimizer.params,
    zeros: numbers.flatMap(([name, value]) => (value === 0 ? [name] : [])),
    batchSize: training.batchSize,
    inputDType: dataset.train.inputs instanceof Uint8Array ? "uint8" : "float32",
    normalisation: dataset.normalisation,
    labels: dataset.labels,
    clipNorm: training.clipNorm > 0,
    clipValue: training.clipValue > 0,
    ...(dataset.preparation && { front: frontOf(dataset.preparation) }),
    metadata: { "trainyard.dataset_digest": dataset.digest, ...(dataset.preparation && describe(dataset.preparation)) },
  };
  return {
    network,
    options,
    plan: compilePlan(options),
    threads: training.threads || defaultThreads(network.layers, training.batchSize),
    learningRate: settings.optimizer.params.learningRate as number,
    hyperparameters: {
      ...Object.fromEntries(numbers.map(([name, value]) => [`optimizer.${name}`, value])),
      clipNorm: training.clipNorm,
      clipValue: training.clipValue,
    },
    schedule: (progress) => schedule.factor(progress, settings.schedule.params as never),
  };
}
