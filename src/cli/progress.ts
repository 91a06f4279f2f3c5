/** Shows how a training goes: a live line on a terminal, plain lines elsewhere, all on stderr. */
import { MultiBar, Presets, type SingleBar } from "cli-progress";
import type { Points, ProgressView, Run } from "../shared/api/schemas.ts";
import { duration, percent, thousands } from "./output.ts";

export interface Watcher {
  run(run: Run): void;
  progress(progress: ProgressView): void;
  metrics(points: readonly Points[]): void;
  say(line: string): void;
  /** No more comes. */
  close(): void;
}

interface Measure {
  readonly loss: number | null;
  readonly score: number | null;
}

/** Between two lines where no terminal is, and of short epochs, which would else scroll everything away: milliseconds. */
const SELDOM = 10_000;
const SECOND = 1000;

export function progressWatcher(): Watcher {
  const screen = process.stderr.isTTY
    ? new MultiBar(
        {
          format: "epoch {epoch}  {bar}  {value}/{total}  {rate} samples/s  {measure}  {left} left",
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
  let shown: Run | undefined;
  let best = Number.POSITIVE_INFINITY;

  const say = (line: string) => void (bar && screen ? screen.log(`${line}\n`) : process.stderr.write(`${line}\n`));
  const describe = ({ loss, score }: Measure): string =>
    `loss ${number(loss)}, ${shown?.task === "regression" ? `mean error ${number(score)}` : `accuracy ${score === null ? "NaN" : percent(score)}`}`;

  return {
    say,

    run(run) {
      const first = !shown?.facts && run.facts;
      shown = run;
      if (!first) return;
      const { train } = first.dataset.samples;
      const resumed = run.checkpoint ? `, going on after step ${thousands(run.checkpoint.update)}` : "";
      if (run.checkpoint) best = run.metrics[validated(run) ? "validation_loss" : "train_loss"]?.min ?? best;
      say(`${thousands(train)} samples, ${thousands(stepsPerEpoch(run))} steps an epoch${resumed}`);
    },

    progress(p) {
      const payload = {
        epoch: `${p.epoch}/${p.epochs}`,
        rate: thousands(p.samplesPerSecond),
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
        say(`epoch ${payload.epoch}, step ${p.step}/${p.stepsPerEpoch}: ${payload.rate} samples/s, ${payload.measure}, ${payload.left} left`);
      }
    },

    metrics(points) {
      if (!shown?.facts) return;
      const epochs = Number(shown.settings.training.epochs);
      const score = shown.task === "regression" ? "mean_absolute_error" : "accuracy";
      const at = (series: string, step: number): number | null | undefined => {
        const found = points.find((p) => p.series === series);
        return found?.values[found.steps.indexOf(step)];
      };
      const measure = (split: string, step: number): Measure | undefined => {
        const loss = at(`${split}_loss`, step);
        return loss === undefined ? undefined : { loss, score: at(`${split}_${score}`, step) ?? null };
      };
      for (const step of points.find(({ series }) => series === "train_loss")?.steps ?? []) {
        const [train, validation] = [measure("train", step)!, measure("validation", step)];
        const selection = (validation ?? train).loss ?? Number.POSITIVE_INFINITY;
        const improved = selection < best;
        if (improved) best = selection;
        const epoch = Math.round(step / stepsPerEpoch(shown));
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
}

/** JSON has no NaN: it comes as null. */
const number = (value: number | null): string => (value === null ? "NaN" : value.toPrecision(4));
const validated = (run: Run): boolean => run.facts!.dataset.samples.validation > 0;
const stepsPerEpoch = (run: Run): number => Math.ceil(run.facts!.dataset.samples.train / Number(run.settings.training.batchSize));
