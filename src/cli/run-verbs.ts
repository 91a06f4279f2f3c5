/** `trainyard runs stop`, `resume`, `delete` and so on: what changes a run. */
import type { Command } from "commander";
import type { Client } from "../shared/api/client.ts";
import { isOver, type Run } from "../shared/api/schemas.ts";
import { fail } from "../shared/errors.ts";
import { add, answer, type Options, several, verb, wholeNumber } from "./command.ts";
import { connect } from "./connect.ts";
import { findRun, runArgument } from "./find.ts";
import { detachFlag, type FollowOptions, follow, followHelp } from "./follow.ts";
import { tagsFrom } from "./train.ts";

export function registerRunVerbs(runs: Command): void {
  const at = (id: string) => ({ params: { id } });

  change(runs, "stop", "stop a run; it writes a checkpoint and can be resumed", (client, id) => client.call("stopRun", at(id)));
  change(runs, "delete", "move a run to the trash; `admin purge` empties it", (client, id) => client.call("deleteRun", at(id)));
  change(runs, "restore", "take a run out of the trash", (client, id) => client.call("restoreRun", at(id)));
  change(runs, "rename", "rename a run", (client, id, _, name: string) => client.call("editRun", { ...at(id), body: { name } })).argument("<name>");
  change(runs, "note", "write down what is worth knowing about a run", (client, id, _, note: string) =>
    client.call("editRun", { ...at(id), body: { note } }),
  ).argument("<text>");
  change(runs, "tag", "label a run", async (client, id, { remove = [] }: Options & { remove?: string[] }, tags: string[] = []) => {
    if (!tags.length && !remove.length) throw fail("BAD_USAGE", { problem: "tag needs a tag", fix: "Give key=value, or --remove key." });
    const { tags: before } = await client.call("getRun", at(id));
    const kept = Object.entries(before).filter(([key]) => !remove.includes(key));
    return client.call("editRun", { ...at(id), body: { tags: { ...Object.fromEntries(kept), ...tagsFrom(tags) } } });
  })
    .argument("[key=value...]", "tags to set")
    .option("--remove <key>", "a tag to take away; may be given several times", several);

  training(runs, "follow", "show how a run goes, to its end", (client, id) => client.call("getRun", at(id)));
  training(runs, "start", "train a draft", (client, id) => client.call("startRun", at(id)));
  training(runs, "resume", "go on with a stopped or failed run, or train a finished one for more epochs", resume).option(
    "--epochs <integer>",
    "how many in all",
    wholeNumber("--epochs", 1),
  );
  training(runs, "duplicate", "train again with the settings of a run", (client, id, { name }: FollowOptions & { name?: string }) =>
    client.call("duplicateRun", { ...at(id), body: { name } }),
  ).option("--name <name>", "of the new run");
}

/** A verb that changes a run and says what it now is. */
function change<O extends Options, Args extends unknown[]>(
  runs: Command,
  name: string,
  summary: string,
  perform: (client: Client, id: string, options: O, ...args: Args) => Promise<Run>,
): Command {
  return add(runs, name, summary)
    .argument("<run>", runArgument)
    .action(
      verb(async ({ client }, options: O, named: string, ...args: Args) => {
        const run = await perform(client, (await findRun(client, named)).id, options, ...args);
        return answer(run, () => `${run.name} is ${run.trashedAt ? "in the trash" : run.state}`);
      }),
    );
}

/** A verb after which a run trains, and is followed. */
function training<O extends FollowOptions>(
  runs: Command,
  name: string,
  summary: string,
  perform: (client: Client, id: string, options: O) => Promise<Run>,
): Command {
  return add(runs, name, summary)
    .argument("<run>", runArgument)
    .option(...detachFlag)
    .addHelpText("after", followHelp)
    .action(async (named: string, _: O, command: Command) => {
      const options = command.optsWithGlobals<O>();
      const connection = await connect({ workers: options.detach ? 0 : 1, project: options.project });
      try {
        const { id } = await findRun(connection.client, named);
        await follow(connection, await perform(connection.client, id, options), options);
      } finally {
        await connection.close();
      }
    });
}

/** A run that goes on anyway, such as one whose server was killed, need only be followed. */
async function resume(client: Client, id: string, { epochs }: FollowOptions & { epochs?: number }): Promise<Run> {
  const run = await client.call("getRun", { params: { id } });
  const goesOn = !isOver(run.state) && run.state !== "draft" && epochs === undefined;
  return goesOn ? run : client.call("resumeRun", { params: { id }, body: { epochs } });
}
