/** Finding runs: filters, orders by any quantity and pages, each compared with the same done by hand over all runs. */
import { beforeAll, describe, expect, test } from "vitest";
import { HandWorker } from "../../../../test/hand-worker.ts";
import { startTestPlatform, tiny } from "../../../../test/platform.ts";
import type { Run, RunRequestBody } from "../../../shared/api/schemas.ts";
import { addPoints } from "./metrics.ts";
import { listRuns, type RunGroup } from "./store.ts";

const platform = await startTestPlatform();
const { client, raw, kernel } = platform;

const COUNT = 60;
const pick = <T>(list: readonly T[], i: number): T => list[i % list.length]!;
let runs: Run[] = [];

beforeAll(async () => {
  await new HandWorker(platform).flowers();
  const ids: string[] = [];
  for (let i = 0; i < COUNT; i++) {
    const body: RunRequestBody = {
      ...tiny,
      draft: true,
      // Ties, cases, a wildcard of SQL, letters beyond ASCII.
      note: i % 9 ? "" : "kept for <b>later</b>, kept for later",
      name: pick(["alpha", "Beta", "100%_done", "äther", "alpha", "😀", "zeta \\ 7"], i),
      tags: i % 3 ? { team: pick(["vision", "text", ""], i), [`own${i}`]: "x", "of two words": pick(["y", "n"], i) } : {},
      model:
        i % 4 ? { id: "mlp", params: { hidden: [pick([8, 16], i)], activation: pick(["Relu", "Tanh", "Gelu"], i) } } : { id: "softmax-regression" },
      loss: { id: pick(["cross-entropy", "hinge"], i) },
      optimizer: { id: pick(["adam", "sgd", "lion"], i), params: { learningRate: pick([0.1, 0.001, 1e-7, 0.1], i) } },
      training: { epochs: pick([1, 2, 10, 9], i), seed: i },
    };
    ids.push((await client.call("createRun", { body })).id);
  }
  for (const [i, id] of ids.entries()) {
    if (i % 5 === 4) continue; // some have no metrics at all
    const values = i % 7 ? [pick([0.5, 0.25, 0.75], i), pick([0.5, 0.9, 0.1, 0.3], i)] : [0.125, null]; // and some ended with NaN
    await kernel.db.transaction((tx) => addPoints(tx, kernel.ids.open(id)!, [{ series: "validation_loss", steps: [1, 2], values }]));
    if (i % 2) await kernel.db.transaction((tx) => addPoints(tx, kernel.ids.open(id)!, [{ series: "weird./-name", steps: [1], values: [i % 4] }]));
  }
  runs = await Promise.all(ids.map((id) => client.call("getRun", { params: { id } })));
});

/** Every page from the first to the last, and nothing else. */
async function pages(query: { sort?: string; filter?: readonly string[]; limit?: number }): Promise<{ ids: string[]; sizes: number[] }> {
  const [ids, sizes]: [string[], number[]] = [[], []];
  for (let cursor: string | undefined; ; ) {
    const { items, next } = await client.call("listRuns", { query: { ...query, filter: query.filter && [...query.filter], cursor } });
    ids.push(...items.map(({ id }) => id));
    sizes.push(items.length);
    if (next === null) return { ids, sizes };
    cursor = next;
  }
}

type Key = string | number | null | undefined;
const bytes = (text: string) => Buffer.from(text);
const compare = (a: Exclude<Key, null | undefined>, b: Exclude<Key, null | undefined>): number =>
  typeof a === "number" ? a - (b as number) : Buffer.compare(bytes(a), bytes(b as string));

/** What has the quantity, by it and then by number; then what has not, newest first. */
function sorted(keyOf: (run: Run) => Key, descending: boolean): string[] {
  const has = runs.filter((run) => keyOf(run) !== null && keyOf(run) !== undefined);
  const others = runs.filter((run) => !has.includes(run)).sort((a, b) => b.number - a.number);
  const sign = descending ? -1 : 1;
  has.sort((a, b) => sign * (compare(keyOf(a)!, keyOf(b)!) || a.number - b.number));
  return [...has, ...others].map(({ id }) => id);
}

const param = (path: string) => (run: Run) =>
  path.split(".").reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined)?.[name], run.settings) as Key;

const quantities: Record<string, (run: Run) => Key> = {
  number: ({ number }) => number,
  name: ({ name }) => name,
  state: ({ state }) => state,
  task: ({ task }) => task,
  dataset: ({ dataset }) => dataset,
  model: ({ model }) => model,
  author: ({ createdBy }) => createdBy,
  createdAt: ({ createdAt }) => createdAt,
  startedAt: ({ startedAt }) => startedAt,
  loss: param("loss.id"),
  optimizer: param("optimizer.id"),
  "training.epochs": param("training.epochs"),
  "training.device": param("training.device"),
  "optimizer.params.learningRate": param("optimizer.params.learningRate"),
  "model.params.activation": param("model.params.activation"),
  "tags.team": ({ tags }) => tags.team,
  "tags.of two words": ({ tags }) => tags["of two words"],
  "tags.own7": ({ tags }) => tags.own7,
  "metrics.validation_loss": ({ metrics }) => metrics.validation_loss?.last,
  "metrics.validation_loss:min": ({ metrics }) => metrics.validation_loss?.min,
  "metrics.validation_loss:max": ({ metrics }) => metrics.validation_loss?.max,
  "metrics.weird./-name": ({ metrics }) => metrics["weird./-name"]?.last,
  "metrics.absent": () => null,
};

describe("runs sorted", () => {
  test.each(Object.keys(quantities))("by %s come in pages that neither skip nor repeat, up and down", async (name) => {
    for (const descending of [false, true]) {
      const { ids, sizes } = await pages({ sort: `${descending ? "-" : ""}${name}`, limit: 13 });
      expect(ids).toEqual(sorted(quantities[name]!, descending));
      expect(sizes).toEqual([13, 13, 13, 13, 8]);
    }
  });

  test("not at all are newest first", async () => {
    expect((await pages({ limit: 30 })).ids).toEqual(runs.map(({ id }) => id).reverse());
  });

  test("come in one page that says it is the last when it is just full", async () => {
    expect((await pages({ limit: COUNT })).sizes).toEqual([COUNT]);
    expect((await pages({ limit: COUNT - 1 })).sizes).toEqual([COUNT - 1, 1]);
  });

  test("stay in their pages whatever comes between two of them", async () => {
    const first = await client.call("listRuns", { query: { limit: 20 } });
    const { id } = await client.call("createRun", { body: { ...tiny, draft: true } });
    const second = await client.call("listRuns", { query: { limit: 500, cursor: first.next! } });
    expect([...first.items, ...second.items].map((run) => run.id)).toEqual(runs.map((run) => run.id).reverse());
    await client.call("deleteRun", { params: { id } });
  });

  test("by what there is not are refused with what there is", async () => {
    for (const sort of ["colour", "text", "-", "", "settings", "tags.", "metrics.", "constructor", "model.params.a-b", "name;drop table runs"]) {
      const answer = await raw(`/api/runs?sort=${encodeURIComponent(sort)}`);
      expect([sort, answer.status, answer.json.error.code]).toEqual([sort, 422, "UNKNOWN_PARAMETER"]);
      expect(answer.json.error.fix).toContain("training.NAME");
    }
  });
});

type Condition = readonly [filter: string, holds: (run: Run) => boolean];
const has = (key: Key, test: (value: never) => boolean): boolean => key !== null && key !== undefined && test(key as never);

describe("runs filtered", () => {
  test.each<Condition>([
    ["name=alpha", ({ name }) => name === "alpha"],
    ["name!=alpha", ({ name }) => name !== "alpha"],
    ["name~ALPH", ({ name }) => name === "alpha"],
    ["name~%_", ({ name }) => name.includes("%_")],
    ["name~\\ 7", ({ name }) => name.includes("\\ 7")],
    ["name~ÄTH", ({ name }) => name === "äther"],
    ["name~TH", ({ name }) => name === "äther"],
    ["name = 😀 ", ({ name }) => name === "😀"],
    ["name='alpha' or 1=1", () => false],
    ["state=draft", () => true],
    ["state=running", () => false],
    ["model=softmax-regression", ({ model }) => model === "softmax-regression"],
    ["dataset=flowers", () => true],
    ["number>=10", ({ number }) => number >= 10],
    ["number<3.5", ({ number }) => number < 3.5],
    ["createdAt>=2020-01-01", () => true],
    ["createdAt<2020-01-01T00:00:00Z", () => false],
    ["training.epochs>2", ({ settings }) => has(settings.training.epochs as Key, (n: number) => n > 2)],
    ["training.device=cpu", () => true],
    ["training.device~P", () => true],
    ["optimizer.params.learningRate<=0.001", ({ settings }) => Number(settings.optimizer!.params.learningRate) <= 0.001],
    ["optimizer.params.learningRate=1e-7", ({ settings }) => settings.optimizer!.params.learningRate === 1e-7],
    ["optimizer=sgd", ({ settings }) => settings.optimizer!.id === "sgd"],
    ["loss!=hinge", ({ settings }) => settings.loss!.id !== "hinge"],
    ["model.params.activation=Tanh", ({ settings }) => settings.model.params.activation === "Tanh"],
    ["tags.team=vision", ({ tags }) => tags.team === "vision"],
    ["tags.team=", ({ tags }) => tags.team === ""],
    ["tags.team!=vision", ({ tags }) => has(tags.team, (team: string) => team !== "vision")],
    ["tags.team>=text", ({ tags }) => has(tags.team, (team: string) => team >= "text")],
    ["tags.team~VIS", ({ tags }) => tags.team === "vision"],
    ["tags.absent!=x", () => false],
    ["!tags.team", ({ tags }) => tags.team === undefined],
    ["! metrics.validation_loss", ({ metrics }) => (metrics.validation_loss?.last ?? null) === null],
    ["!model.params.activation", ({ settings }) => settings.model.params.activation === undefined],
    ["!startedAt", () => true],
    ["!name", () => false],
    ["author=owner", ({ createdBy }) => createdBy === "owner"],
    ["author!=owner", ({ createdBy }) => createdBy !== "owner"],
    ["text~TEAM=vis", ({ tags }) => tags.team === "vision"],
    ["text~softmax", ({ model }) => model === "softmax-regression"],
    ["text~100%_", ({ name }) => name.includes("100%_")],
    ["text~kept for later", ({ note }) => note.includes("kept for later")],
    ["tags.own5=x", ({ tags }) => tags.own5 === "x"],
    ['tags."of two words"=y', ({ tags }) => tags["of two words"] === "y"],
    ["tags.'or'1=1", () => false],
    ["metrics.validation_loss>0.3", ({ metrics }) => has(metrics.validation_loss?.last, (n: number) => n > 0.3)],
    ["metrics.validation_loss:min<=0.25", ({ metrics }) => has(metrics.validation_loss?.min, (n: number) => n <= 0.25)],
    ["metrics.validation_loss:max=0.9", ({ metrics }) => has(metrics.validation_loss?.max, (n: number) => n === 0.9)],
    ["metrics.weird./-name=1", ({ metrics }) => has(metrics["weird./-name"]?.last, (n: number) => n === 1)],
    ["metrics.absent>0", () => false],
  ])("by %s", async (filter, holds) => {
    const { ids } = await pages({ filter: [filter], limit: 500 });
    expect(ids.reverse()).toEqual(runs.filter(holds).map(({ id }) => id));
    // As where so many meet it that each has to be asked.
    const { rows } = await listRuns(kernel.db.query, { filter: [filter], limit: 500, trash: false, archived: false }, 0);
    expect(rows.map(({ number }) => number).reverse()).toEqual(runs.filter(holds).map(({ number }) => number));
  });

  test("by several conditions fulfil all of them, in any order and in pages", async () => {
    const filter = ["model=mlp", "training.epochs>1", "metrics.validation_loss<0.9", "tags.team!=text"];
    const wanted = runs.filter(
      ({ model, settings, metrics, tags }) =>
        model === "mlp" &&
        Number(settings.training.epochs) > 1 &&
        has(metrics.validation_loss?.last, (n: number) => n < 0.9) &&
        has(tags.team, (t: string) => t !== "text"),
    );
    expect(wanted.length).toBeGreaterThan(4);
    const { ids } = await pages({ filter, sort: "metrics.validation_loss", limit: 3 });
    const order = sorted(quantities["metrics.validation_loss"]!, false);
    expect(ids).toEqual(order.filter((id) => wanted.some((run) => run.id === id)));
    for (const few of [0, 20, 40]) {
      const { rows } = await listRuns(kernel.db.query, { filter, sort: "metrics.validation_loss", limit: 500, trash: false, archived: false }, few);
      expect(rows.map(({ id }) => kernel.ids.seal(id))).toEqual(ids);
    }
  });

  test("by a tag are found by what it is now, whole, in the trash and back from it", async () => {
    const long = "x".repeat(249);
    const { id } = await client.call("createRun", { body: { ...tiny, draft: true, tags: { stage: "one", long: `${long}a` } } });
    const found = async (filter: string, trash?: "true") => {
      const { items } = await client.call("listRuns", { query: { filter: [filter], trash } });
      return items.some((run) => run.id === id);
    };
    expect([await found("tags.stage=one"), await found(`tags.long=${long}a`), await found(`tags.long=${long}b`)]).toEqual([true, true, false]);
    await client.call("editRun", { params: { id }, body: { tags: { stage: "two" } } });
    expect([await found("tags.stage=one"), await found("tags.stage=two"), await found("tags.long~x")]).toEqual([false, true, false]);
    expect((await client.call("listRuns", { query: { sort: "tags.stage" } })).items[0]!.id).toBe(id);
    await client.call("editRun", { params: { id }, body: { note: "the tags stay" } });
    await client.call("deleteRun", { params: { id } });
    expect([await found("tags.stage=two"), await found("tags.stage=two", "true")]).toEqual([false, true]);
    await client.call("restoreRun", { params: { id } });
    expect(await found("tags.stage=two")).toBe(true);
    expect((await client.call("verify", {})).differences).toEqual([]);
    await client.call("deleteRun", { params: { id } });
  });

  test.each([
    ["colour=red", "UNKNOWN_PARAMETER"],
    ["!colour", "UNKNOWN_PARAMETER"],
    ["!text", "UNKNOWN_PARAMETER"],
    ["!", "BAD_PARAMETER"],
    ["settings.x=1", "UNKNOWN_PARAMETER"],
    ["metrics.a'b=1", "UNKNOWN_PARAMETER"],
    ["name", "BAD_PARAMETER"],
    ["=x", "BAD_PARAMETER"],
    ["", "BAD_PARAMETER"],
    ["number=many", "BAD_PARAMETER"],
    ["number~1", "BAD_PARAMETER"],
    ["number=Infinity", "BAD_PARAMETER"],
    ["metrics.accuracy=", "BAD_PARAMETER"],
    ["createdAt>soon", "BAD_PARAMETER"],
    ["createdAt>+275000-01-01", "BAD_PARAMETER"],
  ])("by %s are refused", async (filter, code) => {
    const answer = await raw(`/api/runs?filter=${encodeURIComponent(filter)}`);
    expect([answer.status, answer.json.error.code]).toEqual([422, code]);
  });
});

describe("a page of runs", () => {
  test("has the columns of metrics that were asked for, by last, min and max", async () => {
    const metrics = ["validation_loss", "validation_loss:min", "validation_loss:max", "absent"];
    const { items } = await client.call("listRuns", { query: { limit: 500, metrics } });
    for (const item of items) {
      const series = runs.find(({ id }) => id === item.id)!.metrics.validation_loss;
      const { last, min, max } = series ?? {};
      expect(item.metrics).toEqual(series ? { validation_loss: last, "validation_loss:min": min, "validation_loss:max": max } : {});
    }
  });

  test("has the settings that were asked for, numbers as numbers, and of no other run where some are named", async () => {
    const settings = ["optimizer", "training.epochs", "model.params.hidden", "model.params.activation"];
    const wanted = [runs[0]!, runs[1]!, runs[7]!];
    const { items } = await client.call("listRuns", { query: { id: wanted.map(({ id }) => id), settings, metrics: [] } });
    expect(items.map(({ id }) => id).reverse()).toEqual(wanted.map(({ id }) => id));
    for (const [i, { settings }] of wanted.entries()) {
      const { hidden, activation } = settings.model.params;
      expect(items.at(-1 - i)!.settings).toEqual({
        optimizer: settings.optimizer!.id,
        "training.epochs": settings.training.epochs,
        ...(hidden !== undefined && { "model.params.hidden": JSON.stringify(hidden) }),
        ...(activation !== undefined && { "model.params.activation": activation }),
      });
    }
    const [{ id }] = wanted as [Run];
    await client.call("deleteRun", { params: { id } });
    expect((await client.call("listRuns", { query: { id: [id] } })).items.map((run) => run.id)).toEqual([id]);
    await client.call("restoreRun", { params: { id } });
    const answer = await raw("/api/runs?settings=network");
    expect([answer.status, answer.json.error.code]).toEqual([422, "UNKNOWN_PARAMETER"]);
  });

  test.each([
    "nonsense",
    "",
    Buffer.from('["a"]').toString("base64url"),
    Buffer.from('[{"a":1},1]').toString("base64url"),
    Buffer.from('["a",1,2]').toString("base64url"),
    Buffer.from('["\\u0000",1]').toString("base64url"),
    Buffer.from('["x",1e400]').toString("base64url"),
    Buffer.from("[1,1.5]").toString("base64url"),
    Buffer.from('["x",1]').toString("base64url"),
  ])("is refused for the cursor %j, which no answer gave", async (cursor) => {
    const answer = await raw(`/api/runs?cursor=${cursor}`);
    expect([answer.status, answer.json.error.code]).toEqual([422, "BAD_PARAMETER"]);
  });

  test.each([
    ["number", '["alpha",3]'],
    ["metrics.validation_loss", '["alpha",3]'],
    ["name", "[3,3]"],
    ["-createdAt", '["alpha",3]'],
    ["createdAt", '["2026-13-45T00:00:00.000Z",3]'],
  ])("sorted by %s is refused for the cursor %s of another order", async (sort, cursor) => {
    const answer = await raw(`/api/runs?sort=${sort}&cursor=${Buffer.from(cursor).toString("base64url")}`);
    expect([answer.status, answer.json.error.code]).toEqual([422, "BAD_PARAMETER"]);
  });

  test.each(["0", "501", "-1", "many", "1.5", ""])("is refused for the limit %j", async (limit) => {
    const answer = await raw(`/api/runs?limit=${limit}`);
    expect([answer.status, answer.json.error.problems[0].path]).toEqual([422, "querystring.limit"]);
  });
});

describe("runs in groups", () => {
  const grouped = (query: object) => client.call("groupRuns", { query });
  const byHand = (groupOf: (run: Run) => Key, keyOf: (run: Run) => Key, of = runs) =>
    [...new Set(of.map((run) => groupOf(run) ?? null))].map((value) => {
      const group = of.filter((run) => (groupOf(run) ?? null) === value);
      const keys = group.flatMap((run) => (typeof keyOf(run) === "number" ? [keyOf(run) as number] : []));
      const or = (n: number) => (Number.isFinite(n) ? n : null);
      return { value: value === null ? null : String(value), count: group.length, least: or(Math.min(...keys)), greatest: or(Math.max(...keys)) };
    });
  const asSet = (groups: readonly object[]) => new Set(groups.map((one) => JSON.stringify(one)));
  const ordered = ({ value, count, least, greatest }: RunGroup) => ({ value, count, least, greatest });

  test.each(["dataset", "model", "author", "optimizer", "tags.team", "training.epochs", "model.params.activation", "metrics.weird./-name"])(
    "by %s are counted, with the least and greatest of a metric, and each group is found by a filter",
    async (by) => {
      const { total, groups } = await grouped({ by, metric: "validation_loss:min" });
      expect(total).toBe(COUNT);
      expect(asSet(groups.map(ordered))).toEqual(asSet(byHand(quantities[by]!, quantities["metrics.validation_loss:min"]!)));
      expect(groups.map(({ count }) => count)).toEqual(groups.map(({ count }) => count).sort((a, b) => b - a));
      for (const { value, count } of groups) {
        const filter = [value === null ? `!${by}` : `${by}=${value}`];
        expect([value, (await client.call("listRuns", { query: { filter, limit: 500 } })).items.length]).toEqual([value, count]);
        expect((await grouped({ filter })).total).toBe(count);
      }
    },
  );

  test("are those that a filter leaves", async () => {
    const left = runs.filter(({ tags }) => tags.team === "vision");
    const { total, groups } = await grouped({ by: "model", metric: "validation_loss", filter: ["tags.team=vision"] });
    expect(total).toBe(left.length);
    expect(asSet(groups.map(ordered))).toEqual(asSet(byHand(quantities.model!, quantities["metrics.validation_loss"]!, left)));
    expect(await grouped({ by: "model", filter: ["tags.team=nobody"] })).toEqual({ total: 0, groups: [] });
    expect(await grouped({ by: "model", filter: ["state=running"] })).toEqual({ total: 0, groups: [] });
  });

  test.each(["by=colour", "by=text", "metric=a'b"])("are refused for %s", async (query) => {
    const answer = await raw(`/api/runs/groups?${query}`);
    expect([answer.status, answer.json.error.code]).toEqual([422, "UNKNOWN_PARAMETER"]);
  });
});

test("what runs have is told as filters name it, and only of runs that one may see", async () => {
  const fields = await client.call("getRunFields", {});
  expect(fields.metrics).toEqual(["validation_loss", "weird./-name"]);
  expect(fields.settings).toContainEqual({ name: "optimizer", numeric: false });
  expect(fields.settings).toContainEqual({ name: "training.epochs", numeric: true });
  expect(fields.settings).toContainEqual({ name: "model.params.activation", numeric: false });
  expect(fields.tags).toContain("of two words");
  expect(fields.tags).toContain("own1");
  // Each of them is a filter, an order and a column.
  const settings = fields.settings.map(({ name }) => name);
  await client.call("listRuns", { query: { settings, filter: settings.map((name) => `!${name}`) } });
  await client.call("createProject", { body: { name: "elsewhere" } });
  const stranger = platform.as(await platform.account("stranger", "viewer", "elsewhere"));
  expect(await stranger.call("getRunFields", {})).toEqual({ metrics: [], settings: [], tags: [] });
  expect(await stranger.call("groupRuns", { query: { by: "tags.team" } })).toEqual({ total: 0, groups: [] });
  expect((await stranger.call("listRuns", { query: { id: [runs[0]!.id] } })).items).toEqual([]);
});
