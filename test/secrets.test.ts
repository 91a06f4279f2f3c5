/** Secrets planted in the configuration, in passwords and in tokens: in no log, no output, no process list, nothing that is exported, and no file but their own. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createClient } from "../src/shared/api/client.ts";
import { secretIn } from "./platform.ts";
import { jsonLines, temporaryFolder, trainyard } from "./process.ts";
import { available, descendantsOf, processes } from "./processes.ts";

test.skipIf(!available)(
  "what is secret is shown nowhere, while a server logs all it can, trains, refuses and exports",
  async () => {
    const home = temporaryFolder();
    const planted = {
      workerToken: "planted-worker-credential-4711",
      oidcSecret: "planted-provider-credential-4711",
      password: "planted-pass-phrase-4711",
      wrong: "planted-wrong-phrase-4711",
      shouted: "PLANTED-PASS-PHRASE-4711",
    };
    const env = {
      TRAINYARD_LOG_LEVEL: "trace",
      TRAINYARD_LOG_FORMAT: "json",
      TRAINYARD_WORKER_TOKEN: planted.workerToken,
      TRAINYARD_OIDC_ISSUER: "http://127.0.0.1:9",
      TRAINYARD_OIDC_CLIENT_ID: "trainyard",
      TRAINYARD_OIDC_CLIENT_SECRET: planted.oidcSecret,
    };
    let stop = () => {};
    let pid = 0;
    let seen: (lines: string[]) => void = () => {};
    const started = new Promise<string[]>((done) => {
      seen = done;
    });
    const ended = trainyard(
      home,
      ["serve", "--no-demo", "--json", "--port", "0"],
      (child, stdout) => {
        pid = child.pid!;
        stop = () => void child.kill("SIGTERM");
        const lines = stdout.trimEnd().split("\n");
        if (lines.length >= 2) seen(lines);
      },
      env,
    );
    const [serving, setup] = jsonLines((await started).join("\n")) as [{ url: string }, { url: string }];
    const link = secretIn(setup.url);
    const url = serving.url;
    const as = (token?: string) => createClient({ url, token, patience: 5 });
    const { token: session } = await as().call("useLink", { body: { link, name: "root", password: planted.password, token: true } });
    const { secret: api } = await as(session).call("createToken", { body: { name: "ci", scope: "admin" } });
    const machine = readFileSync(join(home, "machine-token"), "utf8");

    // What a day brings: wrong passwords, tokens that are none, a provider that is not there, a training, its worker.
    for (const password of [planted.wrong, planted.shouted])
      await as()
        .call("login", { body: { name: "root", password } })
        .catch(() => {});
    await as(`${api}x`)
      .call("whoAmI", {})
      .catch(() => {});
    await fetch(`${url}/api/oidc/start`).then((answer) => answer.text());
    const run = await as(api).call("createRun", { body: { dataset: { id: "iris" }, training: { epochs: 3 } } });
    const lists: string[] = [];
    for (let state = "queued"; state !== "succeeded"; { state } = await as(api).call("getRun", { params: { id: run.id } })) {
      expect(state).toMatch(/queued|running/);
      const all = processes();
      lists.push(...all.map(({ command }) => command));
      // Of what the server starts the environment too, as it is handed on.
      lists.push(...descendantsOf(pid, all).flatMap(({ environment }) => environment));
      await new Promise((done) => setTimeout(done, 100));
    }
    const exported = await (await as(api).download("exportEvents", { query: {} })).text();
    stop();
    const { stdout, stderr } = await ended;
    const secrets = [...Object.values(planted), link, session!, api, machine];
    const told = { log: stderr, output: stdout.replace(setup.url, ""), processes: lists.join("\n"), export: exported };
    expect(stderr).toContain('"level"');
    expect(told.processes).toContain("job-main");
    expect(exported).toContain("sign-in-failed");
    for (const [where, text] of Object.entries(told)) expect([where, secrets.filter((secret) => text.includes(secret))]).toEqual([where, []]);

    // On disk each lies in its own file, which only its owner reads; the database has hashes.
    const files = readdirSync(home, { recursive: true, encoding: "utf8" }).filter((name) => statSync(join(home, name)).isFile());
    const found = files.flatMap((name) =>
      secrets.filter((secret) => readFileSync(join(home, name)).includes(secret)).map((secret) => [name, secret]),
    );
    expect(found).toEqual([["machine-token", machine]]);
    expect(statSync(join(home, "machine-token")).mode & 0o777).toBe(0o600);
  },
  120_000,
);
