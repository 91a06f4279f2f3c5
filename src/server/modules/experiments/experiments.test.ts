/** Experiments: archived once, whole, under the hash of their manifest, and then nothing and nobody changes them. */
import { sql } from "kysely";
import { beforeAll, describe, expect, test } from "vitest";
import { evaluationOf, HandWorker, runFacts } from "../../../../test/hand-worker.ts";
import { type Raw, sha256, startTestPlatform, tiny } from "../../../../test/platform.ts";
import type { Experiment, Manifest, Run, RunRequestBody } from "../../../shared/api/schemas.ts";
import { canonical } from "../../../shared/canonical.ts";
import { fail } from "../../../shared/errors.ts";
import { manifestKey } from "./service.ts";

const platform = await startTestPlatform({ env: { TRAINYARD_UPLOAD_GRACE: "0", TRAINYARD_LOG_LEVEL: "silent" } });
const { client, raw, eventCount, kernel } = platform;
const worker = new HandWorker(platform);
beforeAll(() => worker.flowers());

async function trained(body: Partial<RunRequestBody> = {}, options?: Parameters<HandWorker["succeed"]>[1]): Promise<Run> {
  const { id } = await client.call("createRun", { body: { ...tiny, ...body } });
  return worker.train(id, options);
}
const archive = (run: Pick<Run, "id">): Promise<Raw> => raw(`/api/runs/${run.id}/archive`, { method: "POST" });
const archived = async (run: Pick<Run, "id">): Promise<Experiment> => (await archive(run)).json;
const manifestOf = async ({ id }: Experiment): Promise<Manifest> => (await raw(`/api/experiments/${id}/manifest`)).json;
const getRun = (id: string) => client.call("getRun", { params: { id } });

describe("an archived run", () => {
  test("is an experiment whose name is the hash of its manifest, which says all that is needed to do it again", async () => {
    const points = [{ series: "loss", steps: [1, 2], values: [2, 1] }];
    const run = await trained(
      { name: "the one", note: "why", tags: { team: "vision" }, training: { ...tiny.training, seed: 42 } },
      { accuracy: 0.75, points },
    );
    const answer = await archive(run);
    expect(answer.status).toBe(201);
    const experiment: Experiment = answer.json;
    expect(experiment).toMatchObject({
      name: "the one",
      run: run.id,
      dataset: "flowers",
      task: "classification",
      model: "mlp",
      metrics: { accuracy: 0.75 },
    });

    const { text, headers } = await raw(`/api/experiments/${experiment.id}/manifest`);
    expect(sha256(text)).toBe(experiment.hash);
    expect(headers["content-length"]).toBe(String(Buffer.byteLength(text)));
    const manifest: Manifest = JSON.parse(text);
    expect(canonical(manifest)).toBe(text);
    expect(manifest).toEqual({
      manifest: 1,
      run: { number: run.number, name: "the one", note: "why", tags: { team: "vision" }, createdAt: run.createdAt, createdBy: "owner" },
      settings: run.settings,
      source: run.source,
      facts: runFacts,
      result: { reason: "completed", bestEpoch: 1 },
      evaluation: evaluationOf(0.75),
      files: expect.any(Array),
    });
    expect(manifest.settings.training.seed).toBe(42);
    expect(manifest.files.map(({ name }) => name)).toEqual(["best.safetensors", "metrics.jsonl", "model.onnx"]);
    expect(experiment.size).toBe(manifest.files.reduce((sum, { size }) => sum + size, text.length));
  });

  test("keeps its files, byte for byte, and every metric point", async () => {
    const points = [
      { series: "loss", steps: [1, 2], values: [2, null] },
      { series: "accuracy", steps: [2], values: [1] },
    ];
    const experiment = await archived(await trained({}, { model: "these bytes", points }));
    const file = (name: string, headers = {}) => raw(`/api/experiments/${experiment.id}/artifacts/${name}`, { headers });
    expect((await file("model.onnx")).text).toBe("these bytes");
    expect(await file("model.onnx", { range: "bytes=6-10" })).toMatchObject({ status: 206, text: "bytes" });
    const lines = (await file("metrics.jsonl")).text.trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line))).toEqual([...points].reverse());
    const missing = await file("last.safetensors");
    expect([missing.status, missing.json.error.code]).toEqual([404, "ARTIFACT_MISSING"]);
    expect(missing.json.error.fix).toContain("model.onnx");
  });

  test("moves from the list of runs to that of experiments", async () => {
    const run = await trained();
    const experiment = await archived(run);
    const listed = async (query: object) => (await client.call("listRuns", { query: { limit: 500, ...query } })).items.map(({ id }) => id);
    expect(await listed({})).not.toContain(run.id);
    expect(await listed({ archived: "true" })).toContain(run.id);
    expect((await client.call("listExperiments", { query: { limit: 1 } })).items).toEqual([experiment]);
    expect(await client.call("getExperiment", { params: { id: experiment.id } })).toEqual(experiment);
    expect((await getRun(run.id)).experiment).toBe(experiment.id);
  });

  test("is listed newest first, in pages that neither skip nor repeat", async () => {
    for (let i = 0; i < 3; i++) await archived(await trained());
    const { items: all } = await client.call("listExperiments", { query: { limit: 500 } });
    const found: Experiment[] = [];
    for (let cursor: string | undefined; ; ) {
      const page = await client.call("listExperiments", { query: { limit: 2, cursor } });
      found.push(...page.items);
      if (page.next === null) break;
      cursor = page.next;
    }
    expect(all.length).toBeGreaterThan(4);
    expect(found).toEqual(all);
    expect(all.map(({ createdAt }) => createdAt)).toEqual(
      all
        .map(({ createdAt }) => createdAt)
        .sort()
        .reverse(),
    );
  });

  test("is changed by nothing that people may ask for", async () => {
    const run = await trained();
    const experiment = await archived(run);
    const before = [await eventCount(), await getRun(run.id), await manifestOf(experiment)];
    for (const [method, path, body] of [
      ["PATCH", "", { name: "other" }],
      ["DELETE", ""],
      ["POST", "/archive"],
      ["POST", "/start"],
      ["POST", "/stop"],
      ["POST", "/resume", { epochs: 9 }],
      ["POST", "/evaluation", {}],
    ] as const) {
      const answer = await raw(`/api/runs/${run.id}${path}`, { method, body });
      expect([method, path, answer.status, answer.json.error.code]).toEqual([method, path, 409, "ALREADY_ARCHIVED"]);
      expect(answer.json.error.message).toContain(experiment.id);
    }
    expect([await eventCount(), await getRun(run.id), await manifestOf(experiment)]).toEqual(before);
  });

  test("is not changed by an evaluation that was under way", async () => {
    const run = await trained();
    await client.call("evaluateRun", { params: { id: run.id }, body: {} });
    const job = await worker.take();
    const experiment = await archived(run);
    await worker.finish(job, { outcome: "succeeded", evaluation: evaluationOf(0.1), artifacts: [await worker.upload(job, "evaluation.json", "{}")] });
    expect((await getRun(run.id)).evaluation).toEqual(run.evaluation);
    expect((await manifestOf(experiment)).evaluation).toEqual(run.evaluation);
  });

  test("leaves its settings to be trained again", async () => {
    const run = await trained();
    await archived(run);
    const copy = await client.call("duplicateRun", { params: { id: run.id }, body: { draft: true } });
    expect(copy).toMatchObject({ state: "draft", settings: run.settings });
    expect(copy.experiment).toBeUndefined();
  });
});

describe("the list of experiments", () => {
  test("is narrowed by words, dataset, model and tags, each as it is written", async () => {
    const made = {
      plain: await archived(await trained({ name: "100% of it" })),
      tagged: await archived(await trained({ name: "Größe_1", tags: { team: "botany", draft: "" } })),
    };
    const named = async (query: object) => (await client.call("listExperiments", { query: { limit: 500, ...query } })).items.map(({ id }) => id);
    const both = await named({});
    expect(both).toEqual(expect.arrayContaining([made.plain.id, made.tagged.id]));
    expect(await named({ search: "0% OF" })).toEqual([made.plain.id]);
    expect(await named({ search: "größe_ botany mlp" })).toEqual([made.tagged.id]);
    expect(await named({ search: "größe% mlp" })).toEqual([]);
    expect(await named({ tag: "team=botany" })).toEqual([made.tagged.id]);
    expect(await named({ tag: "draft" })).toEqual([made.tagged.id]);
    expect(await named({ tag: "team=" })).toEqual([]);
    expect(await named({ dataset: "flowers", model: "mlp" })).toEqual(both);
    expect(await named({ dataset: "other" })).toEqual([]);
    expect(await named({ model: "mlp' or true --" })).toEqual([]);
  });
});

describe("the lineage of an experiment", () => {
  const lineageOf = ({ id }: Experiment, as = client) => as.call("getLineage", { params: { id } });

  test("tells of dataset, run, resumed training, what it was duplicated from, what reproduces it, and others on the same data", async () => {
    const first = await trained({ name: "first" });
    const copy = await client.call("duplicateRun", { params: { id: first.id }, body: { name: "copy" } });
    const [one, two] = [await archived(first), await archived(await worker.train(copy.id))];
    const [dataset] = (await client.call("listDatasets", { query: { name: "flowers" } })).items;
    const told = await lineageOf(two);
    expect(told).toMatchObject({ run: { id: copy.id, name: "copy" }, dataset: dataset!.id, resumed: 0, duplicates: { id: first.id, name: "first" } });
    expect(told.beside.map(({ id }) => id)).toContain(one.id);
    expect(told.beside.map(({ id }) => id)).not.toContain(two.id);
    expect(told.reproductions).toEqual([]);

    const again = await client.call("reproduceExperiment", { params: { id: two.id } });
    expect((await lineageOf(two)).reproductions).toEqual([{ id: again.id, name: "copy again", state: "queued" }]);
    const done = await worker.train(again.id, { model: "other bits" });
    expect((await lineageOf(two)).reproductions).toEqual([{ id: again.id, name: "copy again", state: "succeeded", reproduction: done.reproduction }]);
    expect(await lineageOf(await archived(done))).toMatchObject({ reproduces: { id: two.id, name: "copy" }, reproduction: { same: false } });
  });

  test("tells who reads it by a link of no other thing", async () => {
    const experiment = await archived(await trained());
    const { secret } = await client.call("shareExperiment", { params: { id: experiment.id }, body: {} });
    expect((await lineageOf(experiment)).beside.length).toBeGreaterThan(0);
    expect(await lineageOf(experiment, platform.as(secret))).toMatchObject({ beside: [], reproductions: [] });
  });
});

describe("archiving", () => {
  test("twice at once makes one experiment: one 201 and one 409", async () => {
    for (let round = 0; round < 3; round++) {
      const run = await trained();
      const answers = await Promise.all([archive(run), archive(run)]);
      expect(answers.map(({ status }) => status).sort()).toEqual([201, 409]);
      expect(answers.find(({ status }) => status === 409)!.json.error.code).toBe("ALREADY_ARCHIVED");
    }
  });

  test("under one Idempotency-Key is one archiving, however often it is asked for", async () => {
    const run = await trained();
    const keyed = (key: string) => raw(`/api/runs/${run.id}/archive`, { method: "POST", headers: { "idempotency-key": key } });
    const answers = await Promise.all([keyed("once"), keyed("once"), keyed("once")]);
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201]);
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect((await keyed("once")).json).toEqual(answers[0]!.json);
    expect((await keyed("again")).json.error.code).toBe("ALREADY_ARCHIVED");
    expect((await archive(run)).status).toBe(409);
  });

  test("while others change the run says in the manifest what the run then is, or is refused", async () => {
    for (let round = 0; round < 5; round++) {
      const run = await trained();
      const edits = ["a", "b", "c"].map((name) => raw(`/api/runs/${run.id}`, { method: "PATCH", body: { name } }));
      const [answer] = await Promise.all([archive(run), ...edits]);
      const now = await getRun(run.id);
      if (answer.status === 201) expect((await manifestOf(answer.json)).run.name).toBe(now.name);
      else expect([answer.status, answer.json.error.code, now.experiment]).toEqual([409, "WRONG_STATE", undefined]);
    }
  });

  test("that died between store and database is done by trying again", async () => {
    const run = await trained();
    // What an archiving that was killed leaves: a manifest in the store, of the hash that it will have again.
    const { transaction } = kernel.db;
    kernel.db.transaction = () => Promise.reject(fail("DATABASE_UNAVAILABLE", { name: "of the test", detail: "killed" }));
    const killed = await archive(run);
    kernel.db.transaction = transaction;
    expect(killed.status).toBe(503);
    expect((await getRun(run.id)).experiment).toBeUndefined();
    const answer = await archive(run);
    expect(answer.status).toBe(201);
    expect(sha256((await raw(`/api/experiments/${answer.json.id}/manifest`)).text)).toBe(answer.json.hash);
  });
});

describe("the database refuses", () => {
  test.each([
    "update experiments set name = 'other'",
    "update experiments set state = '{}'",
    "delete from experiments",
    "truncate experiments",
    "update events set data = '{}'",
    "update events set actor = 'nobody' where kind = 'job'",
    "delete from events where seq = 1",
    "truncate events",
    "update messages set payload = 'nothing'",
    "delete from messages",
    "truncate messages",
    "update blob_refs set sha256 = (select sha256 from blobs limit 1) where owner_kind = 'experiment'",
    "delete from blob_refs where owner_kind = 'experiment'",
    "truncate blob_refs",
    "delete from blobs where sha256 in (select sha256 from blob_refs where owner_kind = 'experiment')",
    "truncate blobs cascade",
  ])("%s", async (statement) => {
    await archived(await trained());
    await client.call("listMessages", { query: {} }); // by now some are written
    await expect(sql.raw(statement).execute(kernel.db.query)).rejects.toMatchObject({
      code: statement.startsWith("delete from blobs") ? "23503" : "23001",
    });
  });
});

describe("the store", () => {
  test("refuses to overwrite a manifest", async () => {
    const experiment = await archived(await trained());
    const forged = new TextEncoder().encode("{}");
    await expect(kernel.store.put(manifestKey(experiment.hash), forged, { ifAbsent: true })).rejects.toMatchObject({ code: "OBJECT_EXISTS" });
    expect(sha256((await raw(`/api/experiments/${experiment.id}/manifest`)).text)).toBe(experiment.hash);
  });

  test("that lost or changed a manifest is told of, not believed", async () => {
    const experiment = await archived(await trained());
    const key = manifestKey(experiment.hash);
    const whole = await manifestOf(experiment);
    const found = { differences: [], missingBlobs: [{ sha256: experiment.hash, owner: `experiment ${experiment.id}`, name: "manifest.json" }] };
    for (const forged of ["no JSON", canonical({ ...whole, result: { ...whole.result, bestEpoch: 99 } })]) {
      await kernel.store.put(key, new TextEncoder().encode(forged));
      for (const [method, path] of [
        ["GET", "manifest"],
        ["POST", "reproduce"],
      ]) {
        const answer = await raw(`/api/experiments/${experiment.id}/${path}`, { method });
        expect([path, answer.status, answer.json.error.message]).toEqual([path, 500, expect.stringContaining("is not what its hash says")]);
      }
      expect(await client.call("verify", {})).toMatchObject(found);
    }
    await kernel.store.delete(key);
    expect((await raw(`/api/experiments/${experiment.id}/manifest`)).status).toBe(404);
    expect(await client.call("verify", {})).toMatchObject(found);
    await kernel.store.put(key, new TextEncoder().encode(canonical(whole)));
    expect(await client.call("verify", {})).toMatchObject({ differences: [], missingBlobs: [] });
  });

  test("keeps the files of an experiment when runs of the same files are purged", async () => {
    const experiment = await archived(await trained({}, { model: "kept for good" }));
    const twin = await trained({}, { model: "kept for good" });
    await client.call("deleteRun", { params: { id: twin.id } });
    await client.call("purge", {});
    expect((await raw(`/api/experiments/${experiment.id}/artifacts/model.onnx`)).text).toBe("kept for good");
    expect(await client.call("verify", {})).toMatchObject({ differences: [], missingBlobs: [] });
  });
});

describe("reproducing", () => {
  const reproduce = ({ id }: Experiment) => client.call("reproduceExperiment", { params: { id } });

  test("trains again with the settings, data and threads of the manifest, and says when the bits are the same", async () => {
    const experiment = await archived(await trained({ name: "original" }, { model: "bits" }));
    const again = await reproduce(experiment);
    expect(again).toMatchObject({ state: "queued", name: "original again", reproduces: experiment.id });
    const { settings, source } = await manifestOf(experiment);
    expect([again.settings, again.source]).toEqual([{ ...settings, training: { ...settings.training, threads: runFacts.threads } }, source]);
    const done = await worker.train(again.id, { model: "bits" });
    expect(done.reproduction).toEqual({ experiment: experiment.id, same: true, differences: [] });
  });

  test("says which files have other bits, and which versions are others", async () => {
    const experiment = await archived(await trained({}, { model: "bits of then" }));
    const { id } = await reproduce(experiment);
    const job = await worker.take();
    await worker.report(job, { facts: { ...runFacts, versions: { ...runFacts.versions, node: "21.0.0", extra: "1" } } });
    const files = [await worker.upload(job, "best.safetensors", "best of bits of then"), await worker.upload(job, "model.onnx", "other bits")];
    const result = { reason: "completed", bestEpoch: 1 };
    await worker.finish(job, { outcome: "succeeded", result, evaluation: evaluationOf(0.9), artifacts: files });
    expect((await getRun(id)).reproduction).toEqual({
      experiment: experiment.id,
      same: false,
      differences: ["model.onnx has other bits", "node was 20.0.0, now 21.0.0", "extra was absent, now 1"],
    });
  });

  test("works after the dataset was deleted and purged: the experiment keeps its data", async () => {
    const experiment = await archived(await trained({}, { model: "of lost flowers" }));
    await client.call("deleteDataset", { params: { id: "flowers" } });
    await client.call("purge", {});
    const { id } = await reproduce(experiment);
    const job = await worker.take();
    const file = job.payload.source!.files[0]!;
    const answer = await platform.as(job.key).download("getJobBlob", { params: { id: job.id, sha256: file.sha256 }, query: { token: job.token } });
    expect((await answer.arrayBuffer()).byteLength).toBe(file.size);
    await worker.succeed(job, { model: "of lost flowers" });
    expect((await getRun(id)).reproduction).toMatchObject({ same: true });
    await worker.flowers();
  });
});
