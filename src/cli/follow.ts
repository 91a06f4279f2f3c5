/** Follows a run to its end, through servers that come and go, and says what became of it. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Client, LiveEvent } from "../shared/api/client.ts";
import { isOver, type Run } from "../shared/api/schemas.ts";
import { TrainyardError } from "../shared/errors.ts";
import type { Options } from "./command.ts";
import type { Connection } from "./connect.ts";
import { evaluationText } from "./evaluate.ts";
import { failure } from "./failure.ts";
import { interrupted, onInterrupt } from "./interrupt.ts";
import { print, printJson, quoted, say, thousands } from "./output.ts";
import { modelText, progressWatcher } from "./progress.ts";

export interface FollowOptions extends Options {
  readonly detach?: boolean;
}

export const detachFlag = ["--detach", "print the run and leave it to the server; `runs follow` comes back to it"] as const;
export const followHelp =
  "\nCtrl-C stops the run with a checkpoint; `runs resume` goes on from there. To leave a run on a server alone, use --detach.";

/**
 * Follows a run as the options say, and reports how it ended: in words, or as its events in JSON. Ctrl-C stops the run.
 * @returns the run as it ended
 */
export async function follow(connection: Connection, started: Run, { json, detach }: FollowOptions): Promise<Run> {
  if (detach) {
    leave(connection, started, json);
    return started;
  }
  const { client } = connection;
  const stop = () =>
    void client.call("stopRun", { params: { id: started.id } }).catch((error: TrainyardError) => {
      // A run that has ended meanwhile cannot be stopped; following it tells how it ended.
      if (error.code !== "WRONG_STATE") say(`not stopped: ${error.message}`);
    });
  const ended = await onInterrupt(stop, () => watch(client, started, json));
  switch (ended.state) {
    case "stopped":
      process.exitCode = 130;
      if (!json)
        print(`stopped after step ${thousands(ended.checkpoint?.update ?? 0)}; go on with:\n  npx trainyard runs resume ${quoted(ended.name)}`);
      break;
    case "failed":
      throw failure(ended.reason, `run ${ended.name}`);
    default:
      if (!json) {
        const evaluation = ended.evaluation && (await client.call("getEvaluation", { params: { id: ended.id } }));
        print(
          `${evaluation ? `\n${evaluationText(evaluation)}\n\n` : ""}model  npx trainyard export ${quoted(ended.name)} -o ${quoted(`${ended.name}.onnx`)}`,
        );
      }
  }
  return ended;
}

function leave({ embedded }: Connection, run: Run, json: boolean | undefined): void {
  if (json) printJson({ type: "run", ...run });
  else print(`run ${run.name} is ${run.state}; see how it goes: npx trainyard runs follow ${quoted(run.name)}`);
  if (embedded && !json && run.state !== "draft") say("No server runs, so it waits until one does: npx trainyard serve.");
}

/** How long to go on without a server that answers, in milliseconds: longer than one takes to start again. */
const PATIENCE = 120_000;

/**
 * Shows how a run goes.
 * @param signal that the client goes by: once it aborts there is no point in trying again
 * @returns the run once it is over
 */
export async function watch(client: Client, started: Run, json: boolean | undefined, signal = interrupted): Promise<Run> {
  const show = json ? jsonViewer() : textViewer(started);
  let run = started;
  let last: string | undefined;
  try {
    for (let giveUp = Date.now() + PATIENCE; ; ) {
      try {
        for await (const event of client.follow("followRun", { params: { id: run.id } }, last)) {
          giveUp = Date.now() + PATIENCE;
          last = event.id || last;
          if (event.event === "run") run = event.data as Run;
          show.event(event);
        }
      } catch (error) {
        if (signal.aborted || Date.now() > giveUp || (error instanceof TrainyardError && error.status < 500)) throw error;
      }
      if (isOver(run.state)) return run;
      await sleep(250);
    }
  } finally {
    show.close();
  }
}

interface Viewer {
  event(event: LiveEvent): void;
  close(): void;
}

/** One event a line, as the server says it. */
const jsonViewer = (): Viewer => ({ event: ({ event, data }) => printJson({ type: event, ...data }), close() {} });

function textViewer(started: Run): Viewer {
  const watcher = progressWatcher(started);
  let introduced = false;
  let trouble: string | undefined;
  // A run that starts at once needs no word; one that waits does.
  const patience = setTimeout(() => {
    if (!introduced) say(`run ${started.name} waits for a worker`);
  }, 3000);
  return {
    event({ event, data }) {
      switch (event) {
        case "run": {
          const run = data as Run;
          if (run.facts && !introduced) {
            introduced = true;
            print(`${run.dataset}: ${modelText(run)}, run ${run.name}`);
          }
          if (run.state === "queued" && run.reason && run.reason.message !== trouble) {
            trouble = run.reason.message;
            watcher.say(`run ${run.name} is tried again: ${trouble}`);
          }
          return watcher.run(run);
        }
        case "progress":
          return watcher.progress(data);
        case "metrics":
          return watcher.metrics(data.points);
      }
    },
    close() {
      clearTimeout(patience);
      watcher.close();
    },
  };
}
