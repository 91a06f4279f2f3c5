/** Shows what steps do: some training rows before the first one and after each. */
import type { Tensor } from "../engine/graph.ts";
import type { Column } from "../shared/dataset.ts";

import { fail } from "../shared/errors.ts";
import type { StepPreview } from "../shared/step-preview.ts";
import { type Batch, type Rows, storedRows } from "./batches.ts";
import { columnsOf, type TableFlow } from "./flow.ts";
import { type TableFits, tableEntrance, throughSteps } from "./front.ts";
import type { PictureShape, PictureStep, TableStep } from "./kinds.ts";
import { pixelsAfter, preparePictures } from "./prepare-pictures.ts";
import { computed, fitTable, sideBySide } from "./prepare-table.ts";
import { readSnapshot } from "./snapshot.ts";
import { checkSteps, type Step, settled, unreadable } from "./steps.ts";

type Stage = StepPreview["stages"][number];
type Cells = Extract<Stage, { rows: unknown }>["rows"];

/** Columns that are shown of a stage: a bag of words has thousands. */
const MOST_COLUMNS = 200;
/** Pixels that are shown of a stage. */
const MOST_PIXELS = 2 ** 18;

/**
 * @param directory of a snapshot
 * @param steps in order; they need not yet lead to what a network can read
 * @throws BAD_PREPROCESSING, BAD_PARAMETER for a step that cannot do its work
 */
export async function previewSteps(directory: string, steps: readonly Step[], rows: number): Promise<StepPreview> {
  const snapshot = await readSnapshot(directory);
  const raw = snapshot.pictureShape ? { pictureShape: snapshot.pictureShape } : { columns: snapshot.columns };
  const kinds = steps.map(({ kind }) => kind);
  const fault = checkSteps(kinds, steps.map(settled), raw).problems.find(({ path }) => path !== "");
  if (fault) throw fault.error;
  const training: Rows = (perBatch, inputs) => storedRows(directory, snapshot, "train", perBatch, inputs);
  if (!snapshot.pictureShape) return previewTable(steps as readonly Step<TableStep>[], snapshot.columns, training, rows, snapshot.splits.train.count);
  return previewPictures(steps as readonly Step<PictureStep>[], snapshot.pictureShape as PictureShape, training, rows);
}

async function previewTable(
  steps: readonly Step<TableStep>[],
  columns: readonly Column[],
  training: Rows,
  rows: number,
  count: number,
): Promise<StepPreview> {
  const fits = await fitTable(steps, columns, training, count);
  const { inputs, flow: entering } = tableEntrance(columns, "stored");
  const names = new Set(inputs.map(({ node }) => node.attributes.name as string));
  const sample = await firstOf(training(rows, names));
  const stages: Stage[] = [];
  for (let i = 0; i <= steps.length; i++) {
    const flow = throughSteps(steps.slice(0, i), fits as TableFits, entering);
    const cells = await cellsOf(flow, inputs, sample, columns);
    const all = columnsOf(flow);
    stages.push({
      ...(i > 0 && { step: steps[i - 1]!.kind.id }),
      columns: all.slice(0, MOST_COLUMNS).map(({ name, type }) => ({ name, type })),
      more: Math.max(0, all.length - MOST_COLUMNS),
      rows: Array.from({ length: sample.count }, (_, row) => cells.slice(0, MOST_COLUMNS).map((column) => column(row))),
    });
  }
  const problem = unreadable(columnsOf(throughSteps(steps, fits, entering)));
  return { stages, ...(problem && { problem: { message: problem.message, fix: problem.fix } }) };
}

/** The first batch; the file is closed then. */
async function firstOf(batches: AsyncIterable<Batch>): Promise<Batch> {
  for await (const batch of batches) return batch;
  throw fail("INTERNAL", { detail: "the snapshot has no training rows" });
}

type Cell = Cells[number][number];

/** The cells of each column, by row. */
async function cellsOf(
  flow: TableFlow,
  inputs: Parameters<typeof computed>[0],
  sample: Batch,
  columns: readonly Column[],
): Promise<((row: number) => Cell)[]> {
  const { numbers, categories, dates, texts } = flow;
  const outputs = {
    ...(numbers.value && { shownNumbers: numbers.value }),
    ...(categories.length && { shownCodes: sideBySide(categories.map(({ codes }) => codes)) }),
    ...(dates.length && { shownDates: sideBySide(dates.map(({ seconds }) => seconds)) }),
  };
  let shown: Readonly<Record<string, Tensor>> = {};
  const once = async function* () {
    yield sample;
  };
  if (Object.keys(outputs).length) for await (const result of computed(inputs, outputs, once, sample.count)) shown = result;
  const textNames = columns.filter(({ type }) => type === "text").map(({ name }) => name);
  const at = (name: string, width: number, c: number) => (row: number) => shown[name]!.data[row * width + c]!;
  const number = (value: number | bigint): Cell => (Number.isFinite(Number(value)) ? Number(value) : null);
  return [
    ...numbers.columns.map((_, c) => (row: number) => number(at("shownNumbers", numbers.columns.length, c)(row))),
    ...categories.map(
      ({ values }, c) =>
        (row: number) =>
          values[Number(at("shownCodes", categories.length, c)(row))] ?? null,
    ),
    ...dates.map((_, c) => (row: number) => dateText(at("shownDates", dates.length, c)(row) as bigint)),
    ...texts.map(
      ({ from }) =>
        (row: number) =>
          (sample.feeds.texts!.data as readonly string[])[row * textNames.length + textNames.indexOf(from)]!,
    ),
  ];
}

function dateText(seconds: bigint): Cell {
  const date = new Date(Number(seconds) * 1000);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}

async function previewPictures(steps: readonly Step<PictureStep>[], raw: PictureShape, training: Rows, rows: number): Promise<StepPreview> {
  const size = raw.reduce((a, b) => a * b, 1);
  const count = Math.max(1, Math.min(rows, Math.floor(MOST_PIXELS / size)));
  const sample = await firstOf(training(count, new Set(["input"])));
  const { preparation } = await preparePictures(steps, raw, training);
  const once: Rows = async function* () {
    yield sample;
  };
  const stages: Stage[] = [];
  for (let i = 0; i <= steps.length; i++) {
    const some = steps.slice(0, i);
    const { shape, normalisation } = await preparePictures(some, raw, training, preparation.steps);
    const { mean, deviation } = normalisation;
    const width = shape.reduce((a, b) => a * b, 1);
    const plane = width / shape[0];
    const pictures: number[][] = [];
    for await (const pixels of pixelsAfter(some, raw, once))
      for (let start = 0; start < pixels.length; start += width)
        pictures.push(
          Array.from(pixels.subarray(start, start + width), (x, at) => {
            const channel = Math.floor(at / plane);
            return (x - (mean[channel] ?? mean[0]!)) / (deviation[channel] ?? deviation[0]!);
          }),
        );
    stages.push({ ...(i > 0 && { step: steps[i - 1]!.kind.id }), shape: [...shape], pictures });
  }
  return { stages };
}
