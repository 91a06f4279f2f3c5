/** What the command line says and how it ends: 0 done, 1 failed, 2 bad usage, and never a stack trace for a person's mistake. */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { catalog } from "../src/catalog/index.ts";
import { jsonLines, temporaryFolder, trainyard } from "./process.ts";

const root = temporaryFolder();
const file = (name: string, content: string) => {
  writeFileSync(join(root, name), content);
  return join(root, name);
};
const entries = (kind: keyof typeof catalog) => catalog[kind].map(({ id }) => id).join(", ");

describe.concurrent("a mistake ends with a sentence and what to do:", () => {
  const network = file("network.json", JSON.stringify({ layers: [{ id: "out", layer: "Dense", params: { units: 5 } }] }));
  const half = file("half.json", '{ "layers": [');
  const words = file("words.csv", "a,b,label\n1,2,x\n3,many,y\n4,5,x\n6,7,y\n");
  const unlabelled = file("unlabelled.csv", "a,b,label\n1,2,x\n3,4,\n5,6,y\n");
  mkdirSync(join(root, "empty"));
  mkdirSync(join(root, "short"));
  for (const name of readdirSync("test/data/mnist")) copyFileSync(join("test/data/mnist", name), join(root, "short", name));
  writeFileSync(join(root, "short", "train-labels-idx1-ubyte.gz"), "");

  const more = "See npx trainyard --help, or --help after a command.";
  const cases: [string, string[], number, string][] = [
    ["an unknown command", ["trian"], 2, "error: unknown command 'trian'\n  Did you mean train?\n"],
    ["an unknown dataset", ["train", "mnits", "--epochs", "2"], 2, `error: there is no dataset "mnits"\n  Choose one of: ${entries("datasets")}.\n`],
    ["no dataset", ["train"], 2, `error: train needs a dataset\n  Name one of ${entries("datasets")}, or a .csv file.\n`],
    ["too many datasets", ["train", "iris", "mnist"], 2, `error: too many arguments for 'train'. Expected 1 argument but got 2.\n  ${more}\n`],
    [
      "an unknown model, before the flags it would have had",
      ["train", "iris", "--model", "cn", "--filters", "2,3"],
      2,
      `error: there is no model "cn"\n  Choose one of: ${entries("models")}.\n`,
    ],
    ["an option of another entry", ["train", "iris", "--rho", "0.9"], 2, "error: unknown option '--rho'\n  --rho goes with --optimizer adadelta.\n"],
    ["an option that nothing has", ["train", "iris", "--epohcs", "3"], 2, "error: unknown option '--epohcs'\n  Did you mean --epochs?\n"],
    ["an option without its value", ["train", "iris", "--epochs"], 2, `error: option '--epochs <integer>' argument missing\n  ${more}\n`],
    [
      "several values out of range",
      ["train", "--lr", "-1", "--hidden", "8,none", "iris", "--batch-size", "many"],
      2,
      `error: model "mlp": hidden must be a list of integers of at least 1, but is [8,"none"]
  Give hidden as a list of integers of at least 1.
error: optimizer "adam": learningRate must be a number of at least 0, but is -1
  Give learningRate as a number of at least 0.
error: training: batchSize must be an integer of at least 1, but is "many"
  Give batchSize as an integer of at least 1.
`,
    ],
    [
      "a network for another model",
      ["train", "iris", "--network", network, "--model", "mlp"],
      2,
      'error: model "mlp" takes no network\n  Give a network with model "custom", and only with it.\n',
    ],
    [
      "a network that does not fit",
      ["train", "iris", "--network", network],
      1,
      'error: the last layer "out" must give [batch, 3] (one output per class, 3 in this dataset), but gives [batch, 5]\n  End the network with a layer whose output is [batch, 3].\n',
    ],
    ["a network that is cut off", ["train", "iris", "--network", half], 1, `error: ${half} must be JSON, but it does not parse (`],
    ["a table that is not there", ["train", join(root, "none.csv")], 1, `error: CSV file not found: ${join(root, "none.csv")}\n  Check the path.\n`],
    ["a table with text where numbers are due", ["train", words], 1, `error: ${words}, row 3, column "b" must be a number, but is "many"\n`],
    ["a table with a label missing", ["train", unlabelled], 1, `error: ${unlabelled}, row 3, column "label" must be a label, but is empty\n`],
    [
      "pictures that are not there",
      ["train", "fashion-mnist", "--path", join(root, "empty")],
      1,
      `error: Fashion-MNIST file not found: ${join(root, "empty", "train-images-idx3-ubyte")}\n  Put train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte, each as it is or as .gz, into ${join(root, "empty")}, or install them`,
    ],
    [
      "labels that are empty",
      ["train", "mnist", "--path", join(root, "short")],
      1,
      `error: ${join(root, "short", "train-labels-idx1-ubyte.gz")} must be an IDX file of labels, but is empty\n`,
    ],
    ["a run that is not there", ["evaluate", "nothing"], 1, "error: run not found: "],
    ["the latest of no runs", ["predict", "latest", "a.csv"], 1, "Train one first: npx trainyard train mnist.\n"],
    [
      "a setting with --resume",
      ["train", "--resume", "x", "--batch-size", "3"],
      2,
      "error: --resume goes on with the settings of the run, so --batch-size cannot be given\n  Leave it out, or train anew. Only --epochs may change.\n",
    ],
    [
      "an unknown kind of entry",
      ["catalog", "layer"],
      2,
      `error: there is no kind of catalog entry "layer"\n  Choose one of: ${Object.keys(catalog).join(", ")}.\n`,
    ],
  ];
  test.each(cases)("%s", async (_, args, code, message) => {
    const ended = await trainyard(join(root, "no-runs"), args);
    expect(ended.stderr).toContain(message);
    expect(ended.stderr).not.toMatch(/\n\s+at |internal/);
    expect([ended.code, ended.stdout]).toEqual([code, ""]);
  });

  test("with --json as a line of JSON for each problem", async () => {
    const { code, stderr, stdout } = await trainyard(root, ["train", "iris", "--json", "--epochs", "0", "--seed", "-1"]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(jsonLines(stderr)).toMatchObject([
      {
        type: "error",
        code: "BAD_PARAMETER",
        message: "training: epochs must be an integer of at least 1, but is 0",
        fix: "Give epochs as an integer of at least 1.",
      },
      { type: "error", code: "BAD_PARAMETER", details: { name: "seed" } },
    ]);
  });
});

describe.concurrent("without a mistake:", () => {
  const folder = join(root, "runs");

  test("no command at all shows what there is, as bad usage", async () => {
    const { code, stderr } = await trainyard(folder, []);
    expect(code).toBe(2);
    for (const command of ["train", "evaluate", "predict", "export", "runs", "catalog"]) expect(stderr).toMatch(new RegExp(`^ {2}${command} `, "m"));
  });

  test("--version is that of the package", async () => {
    const { version } = (await import("../package.json", { with: { type: "json" } })).default;
    expect(await trainyard(folder, ["--version"])).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: "" });
  });

  test("--help shows the flags of what is chosen, with ranges and defaults", async () => {
    const { code, stdout } = await trainyard(folder, ["train", "--help", "--model=cnn", "--optimizer", "adadelta", "--schedule", "step", "csv"]);
    expect(code).toBe(0);
    const text = stdout.replace(/\s+/g, " ");
    expect(text).toContain("--filters <a,b,…> Filters of the two convolutions. A list of 2 integers of at least 1. (default: 32,64)");
    expect(text).toContain("--rho <number> ");
    expect(text).toContain("--schedule-epochs <integer> Epochs from one drop to the next.");
    expect(text).toContain("--label <text> The column to predict");
    expect(text).toContain("--lr <number> Short for --learning-rate.");
    expect(text).not.toContain("--hidden");
  });

  test("the catalog is listed for people, and as JSON for programs", async () => {
    const [all, one, text] = await Promise.all([
      trainyard(folder, ["catalog", "--json"]),
      trainyard(folder, ["catalog", "schedules", "--json"]),
      trainyard(folder, ["catalog", "optimizers"]),
    ]);
    const listed = JSON.parse(all.stdout);
    expect(Object.keys(listed)).toEqual(Object.keys(catalog));
    expect(listed.losses[0]).toEqual({
      id: "cross-entropy",
      title: expect.any(String),
      summary: expect.any(String),
      reference: expect.any(String),
      tasks: ["classification"],
      params: expect.any(Object),
    });
    expect(JSON.parse(one.stdout)).toEqual({ schedules: listed.schedules });
    expect(text.stdout).toMatch(/^ {2}adam {2}\S.*\n +learningRate +a number of at least 0 +default 0\.001/m);
  });

  test("no runs are no error", async () => {
    expect(await trainyard(folder, ["runs"])).toMatchObject({ code: 0, stdout: `no runs in ${folder}/; train one: npx trainyard train mnist\n` });
  });
});

describe("a run", async () => {
  const runs = join(root, "listed");
  let name: string;
  beforeAll(async () => {
    const { code, stdout, stderr } = await trainyard(runs, ["train", "--epochs", "3", "iris", "--batch-size=20"]);
    expect([code, stderr]).toEqual([0, expect.any(String)]);
    [name] = readdirSync(runs) as [string];
    // Where no terminal is: plain lines. Progress goes to stderr, results to stdout.
    expect(stderr).toMatch(
      /^108 samples, 6 steps an epoch\nepoch 1: loss \S+, accuracy \S+ %; validation loss \S+, accuracy \S+ % \(best\)\nepoch 2: .+\nepoch 3: .+\n$/,
    );
    expect(stdout.split("\n")[0]).toBe(`iris: mlp with 1,027 parameters, run ${join(runs, name)}`);
    expect(stdout).toMatch(
      /\ntest split, 30 samples never seen in training\naccuracy \S+ %, loss \S+\n\nclass +precision +recall +F1 +samples\nIris-setosa /,
    );
    expect(stdout).toContain(`model       ${join(runs, name, "model.onnx")}\nevaluation  ${join(runs, name, "evaluation.json")}\n`);
    // A broken neighbour must not get in the way.
    mkdirSync(join(runs, "broken"));
    writeFileSync(join(runs, "broken", "run.json"), "{");
  });

  test("is named by time, dataset and model, and listed beside one that cannot be read", async () => {
    expect(name).toMatch(/^\d{8}-\d{6}-iris-mlp$/);
    const [text, json] = await Promise.all([trainyard(runs, ["runs"]), trainyard(runs, ["runs", "--json"])]);
    expect(text.code).toBe(0);
    expect(text.stdout).toMatch(new RegExp(`^run +status +dataset +model +epochs +test\n${name} +done +iris +mlp +3 +\\S+ %\n$`));
    expect(text.stderr).toMatch(/^left out: .+broken.run\.json must be JSON, but it does not parse \(.+\)\n$/);
    expect(JSON.parse(json.stdout)).toEqual({
      id: name,
      status: "done",
      createdAt: expect.any(String),
      dataset: "iris",
      model: "mlp",
      parameters: 1027,
      epochs: 3,
      accuracy: expect.any(Number),
    });
  });

  test("is found by its name, by its folder, and as the latest", async () => {
    const found = await Promise.all([name, join(runs, name), "latest"].map((run) => trainyard(runs, ["evaluate", run, "--json"])));
    const [first, ...others] = found.map(({ code, stdout }) => ({ code, evaluation: JSON.parse(stdout) }));
    expect(first).toMatchObject({ code: 0, evaluation: { task: "classification", samples: 30, confusion: { length: 3 } } });
    expect(others).toEqual([first, first]);
    const none = await trainyard(runs, ["evaluate", "earliest"]);
    expect([none.code, none.stderr]).toEqual([1, expect.stringContaining(`Name a run's folder; the newest are ${name}.`)]);
  });

  test("predicts a table as lines for people and for programs", async () => {
    const [text, json, picture] = await Promise.all([
      trainyard(runs, ["predict", "latest", "data/iris.csv"]),
      trainyard(runs, ["predict", "latest", "data/iris.csv", "--json"]),
      trainyard(runs, ["predict", "latest", "data/iris.csv", "test/data/mnist/t10k-labels-idx1-ubyte.gz"]),
    ]);
    const lines = jsonLines(json.stdout);
    expect(lines).toHaveLength(150);
    expect(lines[0]).toEqual({ source: "data/iris.csv:1", label: expect.stringMatching(/^Iris-/), outputs: expect.any(Object) });
    expect(text.stdout).toMatch(/^input +prediction\ndata\/iris\.csv:1 +Iris-\w+ +\d+\.\d\d %\n/);
    expect([picture.code, picture.stdout, picture.stderr]).toEqual([1, "", expect.stringMatching(/^error: test\S+gz must be a CSV file in UTF-8/)]);
  });

  test("is exported as one file, and nowhere if there is no such folder", async () => {
    const out = join(root, "model.onnx");
    const [good, bad, missing] = await Promise.all([
      trainyard(runs, ["export", "latest", "-o", out]),
      trainyard(runs, ["export", "latest", "-o", join(root, "nowhere", "model.onnx")]),
      trainyard(runs, ["export", "latest"]),
    ]);
    expect([good.code, good.stdout]).toEqual([0, `${out}  0.0 MB\n`]);
    expect(readFileSync(out).equals(readFileSync(join(runs, name, "model.onnx")))).toBe(true);
    expect([bad.code, bad.stderr]).toEqual([1, expect.stringMatching(/^error: could not write .+: ENOENT/)]);
    expect([missing.code, missing.stderr]).toEqual([2, expect.stringMatching(/^error: required option '-o, --output <file>' not specified\n/)]);
  });

  test("is not written over", async () => {
    const { code, stderr } = await trainyard(runs, ["train", "iris", "--out", join(runs, name)]);
    expect([code, stderr]).toEqual([
      2,
      `error: ${join(runs, name)} already holds a run\n  Choose another folder with --out, or go on with it: npx trainyard train --resume ${join(runs, name)}\n`,
    ]);
  });
});
