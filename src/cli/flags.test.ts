/** Every parameter of everything that can be chosen has a flag of its own, and what is typed reaches the request. */
import { Command } from "commander";
import { describe, expect, test } from "vitest";
import { catalog } from "../catalog/index.ts";
import { type Choice, choices, fittingParams, learnerOf, type RunRequest, trainingParams } from "../catalog/run-settings.ts";
import type { Head } from "../shared/define.ts";
import { addFlags, flagsFor, ownersOf, ownFlags, requestFrom } from "./flags.ts";

type Chosen = Partial<Record<Choice, string>>;
const ids = (choice: Choice) => choices[choice].entries.map(({ id }: Head) => id);
const allChosen: Chosen[] = ids("dataset").flatMap((dataset) => [
  ...catalog.models.flatMap(({ id: model }) =>
    ids("loss").flatMap((loss) =>
      ids("optimizer").flatMap((optimizer) => ids("schedule").map((schedule) => ({ dataset, model, loss, optimizer, schedule }))),
    ),
  ),
  ...catalog.learners.map(({ id: model }) => ({ dataset, model })),
]);

test("every parameter has a flag, whatever is chosen together, and no two have the same", () => {
  expect(allChosen.length).toBeGreaterThan(1000);
  for (const chosen of allChosen) {
    const flags = flagsFor(chosen);
    const params = (Object.keys(chosen) as Choice[]).flatMap((choice) =>
      Object.keys(choices[choice].entries.find(({ id }: Head) => id === chosen[choice])!.params).map((name) => `${choice}.${name}`),
    );
    const names = flags.map(({ owner, name }) => `${owner}.${name}`);
    const training = learnerOf({ model: { id: chosen.model! } }) ? fittingParams : trainingParams;
    expect(names).toEqual([...Object.keys(training).map((name) => `training.${name}`), ...params]);
    const all = [...flags.map(({ flag }) => flag), ...ownFlags];
    expect(all.filter((flag, i) => all.indexOf(flag) < i)).toEqual([]);
  }
});

describe("what is typed", () => {
  const typed = (chosen: Chosen, ...args: string[]): RunRequest => {
    const flags = flagsFor(chosen);
    const command = new Command().exitOverride();
    addFlags(command, flags);
    command.parse(args, { from: "user" });
    return requestFrom(flags, command.opts(), chosen);
  };

  test("becomes numbers, lists and words of the part that knows them", () => {
    const chosen = { dataset: "table", model: "mlp", optimizer: "adam", schedule: "step" };
    const args = [
      "--hidden",
      "64,32",
      "--beta1=0.8",
      "--lr",
      "-1",
      "--schedule-epochs",
      "3",
      "--epochs",
      "7",
      "--target",
      "price",
      "--task",
      "regression",
    ];
    expect(typed(chosen, ...args)).toEqual({
      dataset: { id: "table", params: { target: "price", task: "regression" } },
      model: { id: "mlp", params: { hidden: [64, 32] } },
      optimizer: { id: "adam", params: { beta1: 0.8, learningRate: -1 } },
      schedule: { id: "step", params: { epochs: 3 } },
      training: { epochs: 7 },
    });
  });

  test("that is no number stays as it is, to be refused with its own words", () => {
    expect(typed({ model: "mlp" }, "--hidden", "8,", "--epochs", "ten")).toEqual({
      model: { id: "mlp", params: { hidden: [8, ""] } },
      training: { epochs: "ten" },
    });
    expect(typed({ model: "mlp" }, "--hidden", "")).toMatchObject({ model: { params: { hidden: [] } } });
  });
});

test("a flag is known by the entries that it belongs to", () => {
  expect(ownersOf("--rho")).toEqual(["--optimizer adadelta"]);
  expect(ownersOf("--schedule-epochs")).toEqual(["--schedule step"]);
  expect(ownersOf("--final")).toContain("--schedule cosine");
  expect(ownersOf("--nothing")).toEqual([]);
});
