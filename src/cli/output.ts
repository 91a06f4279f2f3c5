/** How results look on a terminal: numbers, tables, the progress line. Errors and progress go to stderr, results to stdout. */
import { MultiBar, Presets, type SingleBar } from "cli-progress";
import Table from "cli-table3";
import type { Task } from "../shared/dataset.ts";
import type { Measure, TrainEvent } from "../shared/events.ts";

export const printJson = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value)}\n`);
export const print = (text: string): void => void process.stdout.write(`${text}\n`);

/** Rows under a head, without lines between them. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[], rightFrom = head.length): string {
  const plain = Object.fromEntries(
    [
      "top",
      "top-mid",
      "top-left",
      "top-right",
      "bottom",
      "bottom-mid",
      "bottom-left",
      "bottom-right",
      "left",
      "left-mid",
      "mid",
      "mid-mid",
      "right",
      "right-mid",
    ].map((k) => [k, ""]),
  );
  const t = new Table({
    head: [...head],
    chars: { ...plain, middle: "  " },
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0 },
    colAligns: head.map((_, i) => (i >= rightFrom ? "right" : "left")),
  });
  t.push(...rows.map((row) => [...row]));
  return t.toString().replace(/[ ]+$/gm, "");
}

export const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;
export const thousands = (n: number): string => Math.round(n).toLocaleString("en-US");
const duration = (seconds: number): string => {
  const s = Math.round(seconds);
  return s < 3600
    ? `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`
    : `${Math.floor(s / 3600)}:${String(Math.floor(s / 60) % 60).padStart(2, "0")}:${String(s % 60).padStart(2, "0")}`;
};

export const describe = ({ loss, score }: Measure, task: Task): string =>
  `loss ${loss.toPrecision(4)}, ${task === "classification" ? `accuracy ${percent(score)}` : `mean error ${score.toPrecision(4)}`}`;

/** Shows events as they come: a live line on a terminal, plain lines elsewhere. `close` when no more come. */
export function progressPrinter(task: Task): { show: (event: TrainEvent) => void; close: () => void } {
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
  let epochs = 0;
  const say = (line: string) => void (bar && screen ? screen.log(`${line}\n`) : process.stderr.write(`${line}\n`));
  const close = () => {
    if (!bar || !screen) return;
    screen.update(); // what was said last
    screen.stop();
    bar = undefined;
  };
  const show = (event: TrainEvent) => {
    switch (event.type) {
      case "started":
        epochs = event.epochs;
        return say(
          `${thousands(event.samples)} samples, ${thousands(event.stepsPerEpoch)} steps an epoch${event.resumedAt ? `, going on after step ${thousands(event.resumedAt)}` : ""}`,
        );
      case "progress": {
        const payload = {
          epoch: `${event.epoch}/${event.epochs}`,
          rate: thousands(event.samplesPerSecond),
          measure: describe(event, task),
          left: duration(event.secondsLeft),
        };
        if (screen) {
          bar ??= screen.create(event.stepsPerEpoch, 0, payload);
          bar.setTotal(event.stepsPerEpoch);
          bar.update(event.step, payload);
          screen.update();
        } else if (Date.now() - spoken > 10_000) {
          spoken = Date.now();
          say(
            `epoch ${payload.epoch}, step ${event.step}/${event.stepsPerEpoch}: ${payload.rate} samples/s, ${payload.measure}, ${payload.left} left`,
          );
        }
        return;
      }
      case "epoch": {
        // Many short epochs would scroll everything away.
        if (epochs > 20 && event.epoch < epochs && Date.now() - spoken < 1000) return;
        spoken = Date.now();
        const validation = event.validation ? `; validation ${describe(event.validation, task)}` : "";
        return say(`epoch ${event.epoch}: ${describe(event, task)}${validation}${event.best ? " (best)" : ""}`);
      }
    }
  };
  return { show, close };
}
