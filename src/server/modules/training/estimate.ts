/** How large a training is, and how long it will take, before it is begun. */
import { catalog } from "../../../catalog/index.ts";
import { learnerOf, type NetworkSettings, ofLearner } from "../../../catalog/run-settings.ts";
import type { Network } from "../../../engine/network.ts";
import type { RunEstimate } from "../../../shared/api/schemas.ts";
import { canonical } from "../../../shared/canonical.ts";
import { fail } from "../../../shared/errors.ts";
import type { Kernel } from "../../kernel.ts";
import { MAX_PROBLEMS } from "../../validation.ts";
import { type PastRun, pastRuns } from "../runs/history.ts";
import { buildFor, type Judged, judge } from "./check.ts";
import { asBefore, bySpeed, type DoneWork, ofFit, type Work } from "./duration.ts";

/** Runs that are looked back at. */
const PAST = 40;
/** A step is the forward pass, and the gradients of values and of weights: each about as much again. */
const PASSES = 3;
const FLOAT_BYTES = 4;

/**
 * @param project where a dataset's name means something
 * @param visible projects whose runs may be told of; nothing means all
 * @throws INVALID_REQUEST with every problem
 */
export async function estimateRun(
  kernel: Kernel,
  project: string | undefined,
  visible: readonly string[] | undefined,
  body: unknown,
): Promise<RunEstimate> {
  const judged = await judge(kernel, project, body);
  const { settings, problems, data } = judged;
  if (problems.length) throw fail("INVALID_REQUEST", { problems: problems.slice(0, MAX_PROBLEMS) });
  const same = await pastRuns(kernel.db.query, [settings.model.id], visible, PAST);
  const snapshot = data!.source?.snapshot ?? null;
  const ofData = same.filter((run) => (snapshot ? run.snapshot === snapshot : !run.snapshot && run.settings.dataset.id === settings.dataset.id));
  const prepared = ofData.find((run) => canonical(run.settings.preprocessing ?? []) === canonical(settings.preprocessing));
  const samples = samplesOf(judged);
  if (ofLearner(settings)) {
    const features = prepared?.sampleShape ?? data!.facts!.sampleShape;
    const fit = { rows: samples, features: product(features) };
    const alike = same.filter((run) => canonical(run.settings.model) === canonical(settings.model));
    const done = alike.map((run) => ({ rows: run.samples, features: product(run.sampleShape), seconds: run.seconds }));
    const time = ofFit(fit, done);
    return { samples, unit: learnerOf(settings)!.unit, ...(time && { time: { ...time, by: "same" as const } }) };
  }
  const network = judged.network ?? (prepared && built(settings, judged, prepared.sampleShape));
  if (!network) return { samples };
  const { epochs, batchSize } = settings.training;
  const flops = sum(network.layers.map((layer) => layer.flops));
  const work: Work = { flops: PASSES * flops * batchSize, batchSize, samples, epochs };
  const before = asBefore(work, ofData.filter((run) => run.flops === flops && alikeIn(run, settings)).flatMap(doneBy));
  const isWhole = (optimizer: string) => catalog.optimizers.some((kind) => kind.id === optimizer && "whole" in kind);
  // Of an optimizer that searches along a line nobody knows how often it looks.
  const others = before || isWhole(settings.optimizer.id) ? [] : await pastRuns(kernel.db.query, ids(catalog.models), visible, PAST);
  const other = bySpeed(work, others.filter((run) => !isWhole(run.settings.optimizer!.id)).flatMap(doneBy));
  return {
    samples,
    steps: Math.ceil(samples / batchSize) * epochs,
    parameters: sum(network.layers.map((layer) => layer.parameters)),
    flops: { sample: flops, step: work.flops },
    memory: memoryOf(settings, judged, network),
    ...(before && { time: { ...before, by: "same" as const } }),
    ...(other && { time: { ...other, by: "speed" as const } }),
  };
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
const product = (values: readonly number[]): number => values.reduce((a, b) => a * b, 1);
const ids = (entries: readonly { readonly id: string }[]) => entries.map(({ id }) => id);

function built(settings: NetworkSettings, { data }: Judged, sampleShape: readonly number[]): Network | undefined {
  const network = buildFor(settings, data!.facts!, sampleShape);
  return "code" in network ? undefined : network;
}

/** Samples that are trained on; without a validation split a share of them is set aside. */
function samplesOf({ settings, data }: Judged): number {
  const { train, validation = 0 } = data!.facts!.records;
  return validation || ofLearner(settings) ? train : Math.round(train * (1 - settings.training.validation));
}

/** Whether a run stepped as these settings do. */
const alikeIn = ({ settings }: PastRun, { optimizer, training }: NetworkSettings): boolean =>
  settings.optimizer?.id === optimizer.id &&
  (["batchSize", "device", "threads"] as const).every((name) => settings.training[name] === training[name]);

function doneBy({ settings, samples, flops, rate, seconds }: PastRun): DoneWork[] {
  const { epochs, batchSize } = settings.training as NetworkSettings["training"];
  return flops && rate ? [{ flops: PASSES * flops * batchSize, batchSize, samples, epochs, rate, seconds }] : [];
}

/** Bytes of what is resident while it trains. */
function memoryOf({ optimizer, training }: NetworkSettings, { data }: Judged, network: Network): NonNullable<RunEstimate["memory"]> {
  const parameters = sum(network.layers.map((layer) => layer.parameters));
  const { records, columns, features } = data!.facts!;
  const isTable = columns?.length || features?.some(({ type }) => type !== "picture");
  const rows = sum(Object.values(records));
  const parts = {
    data: rows * product(network.sampleShape) * (isTable ? FLOAT_BYTES : 1), // pictures stay bytes
    weights: FLOAT_BYTES * parameters,
    // The gradient, and what the optimizer keeps.
    learning: FLOAT_BYTES * parameters * (1 + kept(optimizer)),
    // Each value is kept for its gradient, which has its size.
    activations: 2 * FLOAT_BYTES * training.batchSize * sum(network.layers.map(({ outputShape }) => product(outputShape))),
  };
  return { ...parts, total: sum(Object.values(parts)) };
}

/** Tensors that an optimizer keeps for each weight. */
function kept({ id, params }: NetworkSettings["optimizer"]): number {
  const kind = catalog.optimizers.find((one) => one.id === id)!;
  return "whole" in kind ? 2 * Number(params.history) : kind.state.length;
}
