/** `trainyard admin`: jobs, workers, storage, and whether all is sound. */
import type { Command } from "commander";
import type { z } from "zod";
import { endpoints } from "../shared/api/endpoints.ts";
import { type Job, jobKinds, jobStates, type keyView, type WorkerInfo } from "../shared/api/schemas.ts";
import { add, answer, collect, listing, type Options, verb, wholeNumber } from "./command.ts";
import { bytes, say, thousands, when } from "./output.ts";
import { type Column, pairs, table } from "./table.ts";

interface JobOptions extends Options {
  readonly state?: Job["state"];
  readonly kind?: Job["kind"];
  readonly limit: number;
}

export function registerAdmin(program: Command): void {
  const admin = program
    .command("admin")
    .summary("jobs, workers, storage, checks, keys")
    .description("Look after the platform: jobs, workers, storage, checks, keys.");

  add(admin, "jobs", "list jobs", "List jobs, newest first: what workers have done, do and have still to do.")
    .option("--state <state>", jobStates.join(", "))
    .option("--kind <kind>", jobKinds.join(", "))
    .option("--limit <integer>", "how many to list", wholeNumber("--limit", 1), 50)
    .action(
      verb(async ({ client }, { state, kind, limit }: JobOptions) => {
        const { items, more } = await collect((page) => client.call("listJobs", { query: { ...page, state, kind } }), limit);
        if (more) say(`There are more: --limit ${2 * limit}.`);
        return listing(items, jobColumns, "no such jobs");
      }),
    );

  add(admin, "requeue", "try a dead job again")
    .argument("<job>", "its id")
    .action(
      verb(async ({ client }, _, id: string) => {
        const job = await client.call("requeueJob", { params: { id } });
        return answer(job, () => `job ${job.id} is ${job.state}`);
      }),
    );

  add(admin, "workers", "list the workers seen in the last day").action(
    verb(async ({ client }) => listing((await client.call("listWorkers", {})).items, workerColumns, "no workers; start one: npx trainyard serve")),
  );

  add(admin, "storage", "show the storage in use, and what a purge would free").action(
    verb(async ({ client }) => {
      const use = await client.call("getStorage", {});
      return answer(use, () =>
        [
          pairs([
            ["store", use.store],
            ["in use", `${bytes(use.bytes)} in ${thousands(use.blobs)} files`],
            ["a purge frees", freedText(use.reclaimable)],
          ]),
          table(
            [
              { title: "kind", cell: ([kind]) => kind },
              { title: "files", cell: ([, { blobs }]) => thousands(blobs), right: true },
              { title: "size", cell: ([, { bytes: size }]) => bytes(size), right: true },
            ],
            Object.entries(use.byKind),
          ),
        ].join("\n\n"),
      );
    }),
  );

  add(
    admin,
    "purge",
    "delete what is in the trash, for good",
    "Delete for good what is in the trash, and free its storage. `admin storage` says before how much that is.",
  ).action(
    verb(async ({ client }) => {
      const purged = await client.call("purge", {});
      return answer(purged, () => `freed ${freedText(purged)}`);
    }),
  );

  add(admin, "rotate-keys", "make new keys for ids and links", `${endpoints.rotateKeys.summary}.`)
    .option(
      "--grace-days <integer>",
      "how long the old keys still open what they sealed",
      wholeNumber("--grace-days", 0),
      endpoints.rotateKeys.body.shape.graceDays.parse(undefined),
    )
    .action(
      verb(async ({ client }, { graceDays }: Options & { graceDays: number }) => {
        const { keys } = await client.call("rotateKeys", { body: { graceDays } });
        return listing(keys, keyColumns, "no keys");
      }),
    );

  add(
    admin,
    "verify",
    "check that the tables are what the events say",
    "Rebuild every table from the events and report differences and missing files. Exit code 1 if there are any.",
  ).action(
    verb(async ({ client }) => {
      const found = await client.call("verify", {});
      const { events, entities, differences, missingBlobs } = found;
      const troubles = [
        ...differences.map(
          (d) => `${d.kind} ${d.entity}: ${d.field} is ${JSON.stringify(d.inTable)}, but the events say ${JSON.stringify(d.fromEvents)}`,
        ),
        ...missingBlobs.map((b) => `${b.owner}: file ${b.name} (${b.sha256}) is missing from the store`),
      ];
      const sound = `${thousands(entities)} entities are what their ${thousands(events)} events say`;
      return answer(found, () => (troubles.length ? troubles.join("\n") : sound), troubles.length ? 1 : 0);
    }),
  );
}

const freedText = ({ runs, datasets, blobs, bytes: size }: { runs: number; datasets: number; blobs: number; bytes: number }): string =>
  `${bytes(size)} in ${thousands(blobs)} files, of ${thousands(runs)} runs and ${thousands(datasets)} datasets`;

const jobColumns: readonly Column<Job>[] = [
  { title: "job", cell: (job) => job.id },
  { title: "kind", cell: (job) => job.kind },
  { title: "state", cell: (job) => job.state },
  { title: "for", cell: ({ subject }) => `${subject.kind} ${subject.id}` },
  { title: "tries", cell: (job) => job.attempts, right: true },
  { title: "created", cell: (job) => when(job.createdAt) },
  { title: "why", cell: (job) => job.reason?.message },
];

const keyColumns: readonly Column<z.infer<typeof keyView>>[] = [
  { title: "key for", cell: (key) => key.purpose },
  { title: "created", cell: (key) => when(key.createdAt) },
  { title: "opens until", cell: (key) => when(key.retiresAt) },
];

const workerColumns: readonly Column<WorkerInfo>[] = [
  { title: "worker", cell: (worker) => worker.name },
  { title: "state", cell: (worker) => (worker.alive ? "alive" : "away") },
  { title: "jobs", cell: (worker) => `${worker.jobs.length} of ${worker.slots}` },
  { title: "labels", cell: (worker) => worker.labels.join(", ") },
  { title: "seen", cell: (worker) => when(worker.lastSeenAt) },
  { title: "version", cell: (worker) => worker.version },
  { title: "platform", cell: (worker) => worker.platform },
];
