/** Shows how a training goes: a live line on a terminal, plain lines elsewhere, all on stderr. */
import { MultiBar, Presets, type SingleBar } from "cli-progress";
import { catalog } from "../catalog/index.ts";
import { isOver, type Points, type ProgressView, type Run } from "../shared/api/schemas.ts";
import { duration, percent, thousands } from "./output.ts";

export interface Watcher {
  /** @param run as it now is; the first one with facts introduces it */
  run(run: Run): void;
  progress(progress: ProgressView): void;
  metrics(points: readonly Points[]): void;
  say(line: string): void;
  /** No more comes. */
  close(): void;
}

interface Measure {
  readonly loss?: number | null;
  readonly score?: number | null;
}

/** Between two lines where no terminal is, and of short epochs, which would else scroll everything away: milliseconds. */
const SELDOM = 10_000;
const SECOND = 1000;

/** @param started the run as it was when watching began: what it had done before is not told again */
export function progressWatcher(started: Run): Watcher {
  const screen = process.stderr.isTTY
    ? new MultiBar(
        {
          format: "{place}  {bar}  {value}/{total}  {rate}{measure}  {left} left",
          hideCursor: true,
          clearOnComplete: true,
          gracefulExit: false, // Ctrl-C is ours
          stream: process.stderr,
        },
        Presets.rect,
      )
    : undefined;
  let bar: SingleBar | undefined;
  let spoken = Date.now();
  let run = started;
  let told = started.checkpoint?.update ?? 0;
  let best = (told && started.metrics[started.metrics.validation_loss ? "validation_loss" : "train_loss"]?.min) || Number.POSITIVE_INFINITY;
  let introduced = false;
  let early: Points[] = []; // that came before it

  const say = (line: string) => void (bar && screen ? screen.log(`${line}\n`) : process.stderr.write(`${line}\n`));
  const describe = ({ loss, score }: Measure): string =>
    [
      ...(loss === undefined ? [] : [`loss ${number(loss)}`]),
      ...(score === undefined
        ? []
        : [run.task === "regression" ? `mean error ${number(score)}` : `accuracy ${score === null ? "NaN" : percent(score)}`]),
    ].join(", ");

  const watcher: Watcher = {
    say,

    run(now) {
      run = now;
      if (introduced || !run.facts) return;
      introduced = true;
      const resumed = told && !isOver(run.state) ? `, going on after step ${thousands(told)}` : "";
      const steps = run.settings.training.batchSize ? `, ${counted(stepsPerEpoch(run), "step")} an epoch` : "";
      say(`${thousands(run.facts.dataset.samples.train)} samples${steps}${resumed}`);
      watcher.metrics(early);
      early = [];
    },

    progress(p) {
      const payload = {
        place: p.unit ?? `epoch ${p.epoch}/${p.epochs}`,
        rate: p.samplesPerSecond === undefined ? "" : `${thousands(p.samplesPerSecond)} samples/s  `,
        measure: describe(p),
        left: duration(p.secondsLeft),
      };
      if (screen) {
        bar ??= screen.create(p.stepsPerEpoch, 0, payload);
        bar.setTotal(p.stepsPerEpoch);
        bar.update(p.step, payload);
        screen.update();
      } else if (Date.now() - spoken > SELDOM) {
        spoken = Date.now();
        const said = [payload.rate.trim(), payload.measure, `${payload.left} left`].filter(Boolean);
        say(`${p.unit ? placeText(p) : `${payload.place}, step ${p.step}/${p.stepsPerEpoch}`}: ${said.join(", ")}`);
      }
    },

    metrics(points) {
      if (!introduced) {
        early.push(...points);
        return;
      }
      const epochs = Number(run.settings.training.epochs);
      for (const { step, train, validation } of epochsIn(points, run.task)) {
        if (step <= told) continue; // again, after a worker was lost
        told = step;
        const selection = (validation ?? train).loss ?? Number.POSITIVE_INFINITY;
        const improved = selection < best;
        if (improved) best = selection;
        const epoch = Math.round(step / stepsPerEpoch(run));
        if (epochs > 20 && epoch < epochs && Date.now() - spoken < SECOND) continue;
        spoken = Date.now();
        say(`epoch ${epoch}: ${describe(train)}${validation ? `; validation ${describe(validation)}` : ""}${improved ? " (best)" : ""}`);
      }
    },

    close() {
      if (!bar || !screen) return;
      screen.update(); // what was said last
      screen.stop();
      bar = undefined;
    },
  };
  return watcher;
}

/** What points tell of whole epochs, by the number of updates at their ends. */
function epochsIn(points: readonly Points[], task: Run["task"]): { step: number; train: Measure; validation?: Measure }[] {
  const values = new Map(points.flatMap(({ series, steps, values }) => steps.map((step, i) => [`${series} ${step}`, values[i]!] as const)));
  const score = task === "regression" ? "mean_absolute_error" : "accuracy";
  const measure = (split: string, step: number): Measure => ({
    loss: values.get(`${split}_loss ${step}`) ?? null,
    score: values.get(`${split}_${score} ${step}`) ?? null,
  });
  const steps = points.filter(({ series }) => series === "train_loss").flatMap(({ steps }) => steps);
  return steps.map((step) => ({
    step,
    train: measure("train", step),
    ...(values.has(`validation_loss ${step}`) && { validation: measure("validation", step) }),
  }));
}

/** JSON has no NaN: it comes as null. */
const number = (value: number | null): string => (value === null ? "NaN" : value.toPrecision(4));
/** An optimizer that looks at all samples at once takes one. */
function stepsPerEpoch({ facts, settings }: Run): number {
  const whole = catalog.optimizers.some((kind) => kind.id === settings.optimizer?.id && "whole" in kind);
  return whole ? 1 : Math.ceil(facts!.dataset.samples.train / Number(settings.training.batchSize));
}

/** Where a training is: epoch 2 of 10, or 40 of 100 trees. */
export const placeText = ({ unit, step, stepsPerEpoch, epoch, epochs }: ProgressView): string =>
  unit ? `${thousands(step)} of ${thousands(stepsPerEpoch)} ${unit}` : `epoch ${epoch} of ${epochs}`;

/** What is trained; of a network how large it is. */
export const modelText = ({ model, facts }: Pick<Run, "model" | "facts">): string =>
  facts?.parameters ? `${model} with ${thousands(facts.parameters)} parameters` : model;

const counted = (count: number, what: string): string => `${thousands(count)} ${what}${count === 1 ? "" : "s"}`;
