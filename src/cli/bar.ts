/** A bar that shows how far something is, on a terminal; elsewhere nothing. */
import { Presets, SingleBar } from "cli-progress";
import { thousands } from "./output.ts";

export interface Bar {
  update(done: number): void;
  stop(): void;
}

/** @param show a count, as people read it */
export function bar(what: string, total: number, show: (count: number) => string = thousands): Bar {
  if (!process.stderr.isTTY || !total) return { update() {}, stop() {} };
  const shown = new SingleBar(
    {
      format: `${what}  {bar}  {done} of {all}  {eta_formatted} left`,
      hideCursor: true,
      clearOnComplete: true,
      gracefulExit: false, // Ctrl-C is ours
      stream: process.stderr,
    },
    Presets.rect,
  );
  const payload = (done: number) => ({ done: show(done), all: show(total) });
  shown.start(total, 0, payload(0));
  return { update: (done) => shown.update(done, payload(done)), stop: () => shown.stop() };
}
