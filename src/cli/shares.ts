/** `trainyard share` and `shares`: links by which anyone reads one run or experiment. */
import type { Command } from "commander";
import { endpoints } from "../shared/api/endpoints.ts";
import type { Share } from "../shared/api/schemas.ts";
import { add, answer, family, handOver, listing, type Options, verb, wholeNumber } from "./command.ts";
import { findExperiment, findRun } from "./find.ts";
import { when } from "./output.ts";
import type { Column } from "./table.ts";

interface ShareOptions extends Options {
  readonly experiment?: boolean;
  readonly days: number;
}

export function registerShares(program: Command): void {
  add(
    program,
    "share",
    "make a link by which anyone reads a run",
    "Make a link by which anyone reads a run or an experiment, and changes nothing. It is printed this once, alone on stdout.",
  )
    .argument("<run>", 'the run, or with --experiment the experiment: name, number, id, or "latest"')
    .option("--experiment", "share an experiment instead of a run")
    .option("--days <integer>", "until the link ends", wholeNumber("--days", 1), endpoints.shareRun.body.shape.days.parse(undefined))
    .action(
      verb(async ({ client }, { experiment, days }: ShareOptions, name: string) => {
        const { id } = await (experiment ? findExperiment : findRun)(client, name);
        const made = await client.call(experiment ? "shareExperiment" : "shareRun", { params: { id }, body: { days } });
        return handOver(
          made,
          made.url,
          `Whoever has the link reads ${name}, until ${when(made.share.expiresAt)}. To end it: npx trainyard shares revoke ${made.share.id}`,
        );
      }),
    );

  const shares = family(program, "shares", "list what is shared by links, or end a link", list).description("List what is shared by links.");
  add(shares, "revoke", "end a link at once")
    .argument("<id>", "as the list shows it")
    .action(
      verb(async ({ client }, _, id: string) => {
        await client.call("revokeShare", { params: { id } });
        return answer({ id, revoked: true }, () => `the link ${id} is ended`);
      }),
    );
}

const columns: readonly Column<Share>[] = [
  { title: "id", cell: (s) => s.id },
  { title: "kind", cell: (s) => s.kind },
  { title: "of", cell: (s) => s.thing },
  { title: "created", cell: (s) => when(s.createdAt) },
  { title: "by", cell: (s) => s.createdBy },
  { title: "ends", cell: (s) => when(s.expiresAt) },
];

const list = verb(async ({ client }) =>
  listing((await client.call("listShares", {})).items, columns, "nothing is shared; share a run: npx trainyard share latest"),
);
