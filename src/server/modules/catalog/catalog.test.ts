/** The catalog over HTTP: whole, generic, and the same as what trainings are checked against. */
import { afterEach, describe, expect, test } from "vitest";
import { startTestPlatform } from "../../../../test/platform.ts";
import { catalog } from "../../../catalog/index.ts";
import { model, optimizer } from "../../../engine/kinds.ts";
import { number } from "../../../shared/define.ts";

const { client, raw } = await startTestPlatform();

describe("GET /api/catalog", () => {
  test("tells every entry of every kind with its parameter specs", async () => {
    const told = await client.call("getCatalog", {});
    expect(Object.keys(told)).toEqual([...Object.keys(catalog), "training", "fitting"]);
    for (const [kind, entries] of Object.entries(catalog)) {
      expect(told[kind]!.map(({ id }) => id)).toEqual(entries.map(({ id }) => id));
      for (const [i, { title, summary, params }] of entries.entries()) {
        expect(told[kind]![i]).toMatchObject({ title, summary });
        expect(told[kind]![i]!.params).toEqual(JSON.parse(JSON.stringify(params)));
      }
    }
  });

  test("gives every parameter a type, a default and help, numbers their range, choices their options, and most entries a reference", async () => {
    const told = await client.call("getCatalog", {});
    for (const entries of Object.values(told)) {
      for (const { params } of entries) {
        for (const param of Object.values(params)) {
          expect(param.help).toMatch(/\.$/);
          expect(param).toHaveProperty("default");
          if (param.type === "choice") expect(param.options).toContain(param.default);
        }
      }
    }
    const adam = told.optimizers!.find(({ id }) => id === "adam")!;
    expect(adam.reference).toMatch(/^https:/);
    expect(adam.params.beta1).toEqual({ type: "number", default: 0.9, min: 0, max: expect.any(Number), help: expect.any(String) });
  });

  test("tells of each model its tasks and the losses and optimizers it allows", async () => {
    const { models, losses, optimizers } = await client.call("getCatalog", {});
    const idsOf = (entries: typeof losses) => entries!.map(({ id }) => id);
    const forClasses = losses!.filter(({ tasks }) => tasks!.includes("classification"));
    expect(models!.find(({ id }) => id === "softmax-regression")).toMatchObject({
      tasks: ["classification"],
      losses: idsOf(forClasses),
      optimizers: idsOf(optimizers),
    });
    expect(models!.find(({ id }) => id === "mlp")).toMatchObject({ tasks: ["classification", "regression"], losses: idsOf(losses) });
  });

  test("tells of each metric the tasks it is for", async () => {
    const { metrics } = await client.call("getCatalog", {});
    const byTask = (task: string) => metrics!.filter(({ tasks }) => tasks!.includes(task)).map(({ id }) => id);
    expect(byTask("classification")).toContain("accuracy");
    expect(byTask("regression")).toEqual(expect.arrayContaining(["mae", "mse", "rmse", "r2", "max-error"]));
    expect(metrics!.find(({ id }) => id === "log-loss")).toMatchObject({ better: "lower" });
  });

  test("tells of each classical model its tasks, and whether it takes missing values", async () => {
    const { learners } = await client.call("getCatalog", {});
    const missing = learners!.filter((one) => one.missing).map(({ id }) => id);
    expect(missing.sort()).toEqual(["dummy", "gradient-boosting"]);
    expect(learners!.find(({ id }) => id === "random-forest")).toMatchObject({ tasks: ["classification", "regression"], unit: "trees" });
    expect(learners!.find(({ id }) => id === "svm")!.params).toMatchObject({ C: { type: "number", default: 1 }, classWeight: { type: "weights" } });
  });

  test("tells of each built-in dataset its task, features, labels, records and preprocessing in order", async () => {
    const { datasets } = await client.call("getCatalog", {});
    expect(datasets!.find(({ id }) => id === "iris")).toMatchObject({
      title: "Iris",
      summary: expect.stringContaining("150 irises"),
      task: "classification",
      features: ["sepal_length", "sepal_width", "petal_length", "petal_width"].map((name) => ({ name, type: "number" })),
      labels: ["Iris-setosa", "Iris-versicolor", "Iris-virginica"],
      records: { train: 120, test: 30 },
      preprocessing: [{ step: "date-parts" }, { step: "impute" }, { step: "standardise" }, { step: "one-hot" }, { step: "bag-of-words" }],
    });
  });
});

describe("GET /api/catalog/{kind}/{id}", () => {
  test("is the entry as the whole catalog has it, of every kind there", async () => {
    for (const [kind, entries] of Object.entries(await client.call("getCatalog", {}))) {
      const last = entries.at(-1)!;
      expect(await client.call("getCatalogEntry", { params: { kind, id: last.id } })).toEqual(last);
    }
  });

  test("answers 404 for a kind or an entry that is not there, and for what every object has", async () => {
    for (const path of ["losses/none", "none/huber", "constructor/name", "__proto__/x", "losses/__proto__"]) {
      const answer = await raw(`/api/catalog/${path}`);
      expect([path, answer.status, answer.json.error.code]).toEqual([path, 404, "NOT_FOUND"]);
    }
  });
});

describe("an entry that is added to the catalog", () => {
  const added: (() => void)[] = [];
  afterEach(() => {
    for (const undo of added.splice(0)) undo();
  });
  /** The lists are read-only to those who use them. */
  function add<T>(list: readonly T[], entry: T): void {
    (list as T[]).push(entry);
    added.push(() => (list as T[]).pop());
  }

  test("appears with its parameters, limits and allowances without any other change", async () => {
    const head = { title: "Straight", summary: "One weighted sum.", reference: "https://example.org/straight" };
    const slope = number({ default: 1, min: 0, max: 2, help: "How steep." });
    const network = () => ({ layers: [{ id: "output", layer: "Dense", params: { units: 1 } }] });
    add(
      catalog.models,
      model({ id: "straight", ...head, tasks: ["regression"], losses: ["huber"], optimizers: ["walk"], params: { slope }, network }),
    );
    add(catalog.optimizers, optimizer({ id: "walk", ...head, params: {}, state: [], step: ({ w }) => ({ w }) }));

    const told = await client.call("getCatalog", {});
    expect(told.models!.at(-1)).toEqual({
      id: "straight",
      ...head,
      params: { slope: { ...slope } },
      tasks: ["regression"],
      losses: ["huber"],
      optimizers: ["walk"],
    });
    expect(told.models!.find(({ id }) => id === "mlp")!.optimizers).toContain("walk");
    expect(await client.call("getCatalogEntry", { params: { kind: "optimizers", id: "walk" } })).toMatchObject({ id: "walk", ...head });
  });
});
