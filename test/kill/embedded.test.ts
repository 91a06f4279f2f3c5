/** Kills what one machine runs: the server with its embedded database and files, alone or together with its worker. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { available } from "../processes.ts";
import { Program } from "./program.ts";
import { rounds, seed, timeout } from "./rounds.ts";
import { Trial } from "./trial.ts";

describe.skipIf(!available)(
  `on an embedded database and files (seed ${seed}), what was acknowledged is there and every run ends as if nothing had happened`,
  () => {
    const root = mkdtempSync(join(tmpdir(), "trainyard-kill-"));
    let program: Program;
    let trial: Trial;
    let failed = false;

    beforeAll(async () => {
      program = await Program.create(join(root, "home"));
      trial = new Trial([program], `${seed} embedded`);
      await trial.begin();
    }, timeout(0));
    afterEach(({ task }) => {
      failed ||= task.result?.state === "fail";
    });
    afterAll(() => {
      program.destroy();
      if (!failed) rmSync(root, { recursive: true });
    });

    const server = rounds(14);
    test(`after ${server.length} times kill -9 of the server`, { timeout: timeout(server.length) }, async () => {
      for (const _ of server) {
        await trial.round(async () => {
          await trial.moment();
          if (trial.chance(0.2)) {
            program.ask();
            await trial.pause(1000);
          }
          await program.kill("server");
          await restart();
        });
      }
      await trial.settle();
    });

    const both = rounds(8);
    test(`after ${both.length} times kill -9 of both at once`, { timeout: timeout(both.length) }, async () => {
      for (const _ of both) {
        await trial.round(async () => {
          await trial.moment();
          await program.kill("group");
          await restart();
        });
      }
      await trial.settle();
    });

    test("and the store keeps no content that the database does not know", { timeout: timeout(0) }, async () => {
      const { blobs } = await trial.storage();
      expect(program.files("objects/blobs").length).toBeLessThanOrEqual(blobs);
    });

    /** Sometimes it is killed again before it serves. */
    async function restart(): Promise<void> {
      while (trial.chance(0.25)) {
        program.spawn();
        await trial.pause(2000);
        await program.kill(trial.chance(0.5) ? "server" : "group");
      }
      await program.start();
    }

    test("and it still ends in order", { timeout: timeout(0) }, async () => {
      expect(await program.stop()).toBe(0);
      expect(program.orphans()).toEqual([]);
    });
  },
);
