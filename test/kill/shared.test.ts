/** Kills what several machines share, and those who share it: PostgreSQL, the S3 server, workers, and one of two servers. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { available as hasPostgres, type PostgresServer, startPostgres } from "../postgres-server.ts";
import { available as hasProcesses } from "../processes.ts";
import { S3Server } from "../s3-server.ts";
import { Program } from "./program.ts";
import { rounds, seed, timeout } from "./rounds.ts";
import { Trial } from "./trial.ts";

/** How long the S3 server is gone: longer than its client is patient. */
const OUTAGE_MS = 30_000;

describe.skipIf(!hasPostgres || !hasProcesses)(
  `on PostgreSQL and S3 (seed ${seed}), two servers lose nothing that was acknowledged, and every run ends as if nothing had happened`,
  () => {
    const root = mkdtempSync(join(tmpdir(), "trainyard-kill-"));
    let postgres: PostgresServer;
    let s3: S3Server;
    let programs: readonly [Program, Program];
    let trial: Trial;
    let failed = false;

    beforeAll(async () => {
      [postgres, s3] = await Promise.all([startPostgres(), S3Server.s3rver(join(root, "s3")).start()]);
      const env = {
        DATABASE_URL: await postgres.fresh(),
        TRAINYARD_STORE: `s3://${s3.bucket}/kill`,
        AWS_ENDPOINT_URL_S3: s3.endpoint,
        AWS_ACCESS_KEY_ID: "S3RVER",
        AWS_SECRET_ACCESS_KEY: "S3RVER",
        AWS_REGION: "us-east-1",
      };
      programs = [await Program.create(join(root, "a"), env), await Program.create(join(root, "b"), env)];
      trial = new Trial(programs, `${seed} shared`);
      await trial.begin();
    }, timeout(0));
    afterEach(({ task }) => {
      failed ||= task.result?.state === "fail";
    });
    afterAll(async () => {
      for (const program of programs) program.destroy();
      await Promise.all([postgres.close(), s3.kill()]);
      if (!failed) rmSync(root, { recursive: true });
    });

    const deaths = rounds(14);
    test(`after ${deaths.length} times kill -9 of the workers`, { timeout: timeout(deaths.length) }, async () => {
      for (const _ of deaths) {
        await trial.round(async () => {
          await trial.moment();
          for (const program of programs) program.killWorkers();
        });
      }
      await trial.settle();
    });

    const restarts = rounds(8);
    test(`after ${restarts.length} crashes of PostgreSQL`, { timeout: timeout(restarts.length) }, async () => {
      for (const _ of restarts) {
        await trial.round(async () => {
          await trial.moment();
          await postgres.restart("immediate");
          await Promise.all(programs.map((program) => program.ready()));
        });
      }
      await trial.settle();
    });

    test("after the S3 server was gone for 30 s", { timeout: timeout(1) }, async () => {
      await trial.round(async () => {
        await trial.moment();
        await s3.kill();
        await sleep(OUTAGE_MS);
        await s3.start();
        await Promise.all(programs.map((program) => program.ready()));
      });
      await trial.settle();
    });

    const kills = rounds(5);
    test(`after ${kills.length} times kill -9 of one, whose work the other takes over when the lease ends`, {
      timeout: timeout(kills.length),
    }, async () => {
      for (const _ of kills) {
        await trial.round(async () => {
          await trial.moment();
          const program = programs[trial.chance(0.5) ? 0 : 1];
          const jobs = await trial.jobsOf(program);
          await program.kill("group");
          await trial.takenOver(jobs);
          await program.start();
        });
      }
      await trial.settle();
    });

    test("and both still end in order", { timeout: timeout(0) }, async () => {
      expect(await Promise.all(programs.map((program) => program.stop()))).toEqual([0, 0]);
      expect(programs.flatMap((program) => program.orphans())).toEqual([]);
    });
  },
);
