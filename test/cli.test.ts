/** What the command line says and how it ends: 0 done, 1 failed, 2 bad usage, and never a stack trace for a person's mistake. */
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { catalog } from "../src/catalog/index.ts";
import { type Ended, jsonLines, type Server, serve, temporaryFolder, trainyard } from "./process.ts";

const root = temporaryFolder();
const home = join(root, "home");
const file = (name: string, content: string) => {
  writeFileSync(join(root, name), content);
  return join(root, name);
};
const entries = (kind: keyof typeof catalog) => catalog[kind].map(({ id }) => id).join(", ");
const cli = (...args: string[]): Promise<Ended> => trainyard(home, args);

let server: Server;
beforeAll(async () => {
  server = await serve(home);
});
afterAll(() => server?.stop());

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
    ["an unknown verb of a family", ["runs", "shwo", "3"], 2, "error: unknown command 'runs shwo'\n  Choose one of: show, compare, stop, "],
    ["an unknown dataset", ["train", "mnits", "--epochs", "2"], 2, 'error: there is no dataset "mnits"\n  Choose one of: mnist, '],
    [
      "an unknown dataset, with everything else that is wrong",
      ["train", "mnits", "--epochs", "0", "--model", "mlp", "--hidden", "0"],
      2,
      `error: there is no dataset "mnits"\n`,
    ],
    ["no dataset", ["train"], 2, `error: train needs a dataset\n  Name one of ${entries("datasets")}, one you registered, or a file or folder.\n`],
    ["too many datasets", ["train", "iris", "mnist"], 2, `error: too many arguments for 'train'. Expected 1 argument but got 2.\n  ${more}\n`],
    [
      "an unknown model, before the flags it would have had",
      ["train", "iris", "--model", "cn", "--filters", "2,3"],
      2,
      `error: there is no model "cn"\n  Choose one of: ${entries("models")}, ${entries("learners")}.\n`,
    ],
    ["an option of another entry", ["train", "iris", "--rho", "0.9"], 2, "error: unknown option '--rho'\n  --rho goes with --optimizer adadelta.\n"],
    ["an option that nothing has", ["train", "iris", "--epohcs", "3"], 2, "error: unknown option '--epohcs'\n  Did you mean --epochs?\n"],
    ["an option without its value", ["train", "iris", "--epochs"], 2, `error: option '--epochs <number or word>' argument missing\n  ${more}\n`],
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
    [
      "steps of preprocessing that there are not",
      ["train", "iris", "--preprocessing", '[{ "step": "standardise" }, { "step": "bin", "params": { "bins": 1 } }]'],
      2,
      "error: preprocessing step 2 (bin): bins must be an integer from 2 to 1000, but is 1\n  Give bins as an integer from 2 to 1000.\n",
    ],
    [
      "a list of steps that is none",
      ["train", "iris", "--preprocessing", network],
      1,
      `error: ${network} must be a list of steps: [{ "step": "impute", "params": { "strategy": "mean" } }, …], but Invalid input: expected array, received object\n`,
    ],
    ["steps that are cut off", ["train", "iris", "--preprocessing", '[{ "step":'], 1, "error: --preprocessing must be JSON, but it does not parse ("],
    ["a network that is cut off", ["train", "iris", "--network", half], 1, `error: ${half} must be JSON, but it does not parse (`],
    [
      "a table that is not there",
      ["train", join(root, "none.csv")],
      1,
      `error: file or folder not found: ${join(root, "none.csv")}\n  Check the path.\n`,
    ],
    ["a table with text where numbers are due", ["train", words, "--types", "b=number"], 1, 'words.csv, row 3, column "b" must be a number'],
    ["a table with a label missing", ["train", unlabelled], 1, `unlabelled.csv, row 3, column "label" must be a value to predict, but is empty\n`],
    [
      "an empty folder for pictures",
      ["train", "fashion-mnist", "--path", join(root, "empty")],
      1,
      `error: ${join(root, "empty")} must be a folder with files, but holds none\n  Give a folder that holds the files of the dataset and nothing else.\n`,
    ],
    [
      "labels that are empty",
      ["train", "mnist", "--path", join(root, "short")],
      1,
      "train-labels-idx1-ubyte.gz must be an IDX file of labels, but is empty\n",
    ],
    ["a run that is not there", ["evaluate", "nothing"], 1, 'error: there is no run "nothing"\n  '],
    ["a number that no run has", ["runs", "show", "#4711"], 1, 'error: there is no run "#4711"\n  '],
    [
      "an experiment that is not there",
      ["reproduce", "nothing"],
      1,
      'error: there is no experiment "nothing"\n  Archive a run first: npx trainyard archive latest.\n',
    ],
    [
      "a filter that nobody understands",
      ["runs", "--filter", "colour=red"],
      2,
      'error: filter has no parameter "colour"\n  Choose from: number, name, state, ',
    ],
    [
      "a time that is none",
      ["events", "--from", "yesterday"],
      2,
      'error: --from must be a time, but is "yesterday"\n  Give it as 2026-01-31 or 2026-01-31T12:00:00Z.\n',
    ],
    ["a count that is none", ["runs", "--limit", "0"], 2, 'error: --limit must be an integer of at least 1, but is "0"\n'],
    [
      "what an earlier version had",
      ["train", "--resume", "latest"],
      2,
      "error: unknown option '--resume'\n  Go on with a run: npx trainyard runs resume latest.\n",
    ],
    ["a shell that is not known", ["completion", "tcsh"], 2, 'error: there is no shell "tcsh"\n  Choose one of: bash, zsh, fish.\n'],
    ["a worker without a server", ["work"], 2, "error: work needs a server\n"],
    [
      "an unknown kind of entry",
      ["catalog", "layer"],
      2,
      `error: there is no kind of catalog entry "layer"\n  Choose one of: ${Object.keys(catalog).join(", ")}, training, fitting.\n`,
    ],
  ];
  test.each(cases)("%s", async (_, args, code, message) => {
    const ended = await cli(...args);
    expect(ended.stderr).toContain(message);
    expect(ended.stderr).not.toMatch(/\n\s+at |internal/);
    expect([ended.code, ended.stdout]).toEqual([code, ""]);
  });

  test("with --json as a line of JSON for each problem", async () => {
    const [here, there] = await Promise.all([
      cli("train", "iris", "--json", "--epochs", "0", "--seed", "-1"),
      cli("train", "mnits", "--json", "--epochs", "0"),
    ]);
    expect([here.code, here.stdout, there.code, there.stdout]).toEqual([2, "", 2, ""]);
    expect(jsonLines(here.stderr)).toMatchObject([
      {
        type: "error",
        code: "BAD_PARAMETER",
        message: "training: epochs must be an integer of at least 1, or quick or usual or thorough, but is 0",
        fix: "Give epochs as an integer of at least 1, or quick or usual or thorough.",
      },
      { type: "error", code: "BAD_PARAMETER", details: { name: "seed" } },
    ]);
    expect(jsonLines(there.stderr).map(({ code, details }) => [code, details.path])).toEqual([
      ["UNKNOWN_ENTRY", "dataset.id"],
      ["BAD_PARAMETER", "training.epochs"],
    ]);
  });
});

describe.concurrent("a server that is no use is told:", () => {
  test("one that is not there", async () => {
    const { code, stderr } = await trainyard(home, ["runs"], undefined, { TRAINYARD_URL: "http://127.0.0.1:1" });
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/^error: the server at http:\/\/127\.0\.0\.1:1 cannot be reached: .+\n {2}Check that it runs/),
    ]);
  });

  test("one that is none of ours", async () => {
    const other = createServer((_, response) => response.writeHead(404).end("<h1>Not here</h1>")).listen(0);
    const { port } = other.address() as { port: number };
    const { code, stderr } = await trainyard(home, ["runs"], undefined, { TRAINYARD_URL: `http://127.0.0.1:${port}` });
    other.close();
    expect([code, stderr]).toEqual([1, expect.stringMatching(/cannot be reached: it answers 404 <h1>Not here<\/h1>\n/)]);
  });

  test("a second one on the same data", async () => {
    const { code, stderr } = await cli("serve", "--port", "0");
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(new RegExp(`^error: ${home}\\S* is in use by .+ \\(process ${server.child.pid}\\) since `)),
    ]);
  });

  test("one whose port another program has", async () => {
    const { port } = new URL(server.url);
    const { code, stderr } = await trainyard(join(root, "same-port"), ["serve", "--port", port]);
    expect([code, stderr]).toEqual([2, expect.stringContaining(`error: port ${port} of 127.0.0.1 is in use by another program\n  End that one, `)]);
  });

  test("with every problem of its configuration", async () => {
    const { code, stderr } = await trainyard(join(root, "elsewhere"), ["serve", "--port", "none", "--workers", "-1"], undefined, {
      TRAINYARD_PORTT: "1",
    });
    expect([code, stderr]).toEqual([2, expect.stringContaining("the configuration has 3 problems: ")]);
  });
});

describe.concurrent("without a mistake:", () => {
  test("no command at all shows what there is, as bad usage", async () => {
    const { code, stderr } = await cli();
    expect(code).toBe(2);
    for (const command of [
      "train",
      "evaluate",
      "predict",
      "export",
      "runs",
      "experiments",
      "datasets",
      "catalog",
      "serve",
      "work",
      "events",
      "admin",
    ])
      expect(stderr).toMatch(new RegExp(`^ {2}${command}\\b`, "m"));
  });

  test("--version is that of the package", async () => {
    const { version } = (await import("../package.json", { with: { type: "json" } })).default;
    expect(await cli("--version")).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: "" });
  });

  test("--help shows the flags of what is chosen, with ranges and defaults", async () => {
    const { code, stdout } = await cli("train", "--help", "--model=cnn", "--optimizer", "adadelta", "--schedule", "step", "table");
    expect(code).toBe(0);
    const text = stdout.replace(/\s+/g, " ");
    expect(text).toContain("--filters <a,b,…> Filters of the two convolutions. A list of 2 integers of at least 1. (default: 32,64)");
    expect(text).toContain("--rho <number> ");
    expect(text).toContain("--schedule-epochs <integer> Epochs from one drop to the next.");
    expect(text).toContain("--target <text> The column to predict");
    expect(text).toContain("--lr <number> Short for --learning-rate.");
    expect(text).not.toContain("--hidden");
  });

  test("the catalog is listed for people, and as JSON for programs, the same with a server and without", async () => {
    const [all, alone, one, text] = await Promise.all([
      cli("catalog", "--json"),
      trainyard(join(root, "nowhere"), ["catalog", "--json"]),
      cli("catalog", "schedules", "--json"),
      cli("catalog", "optimizers"),
    ]);
    const listed = JSON.parse(all.stdout);
    expect(Object.keys(listed)).toEqual([...Object.keys(catalog), "training", "fitting"]);
    expect(JSON.parse(alone.stdout)).toEqual(listed);
    expect(listed.losses[0]).toMatchObject({ id: "cross-entropy", tasks: ["classification"], params: expect.any(Object) });
    expect(JSON.parse(one.stdout)).toEqual({ schedules: listed.schedules });
    expect(text.stdout).toMatch(/^ {2}adam {2}\S.*\n +learningRate +a number of at least 0 +default 0\.001/m);
  });

  test.each(["bash", "zsh", "fish"])("the completion for %s knows verbs, flags and what can be chosen", async (shell) => {
    const { code, stdout } = await cli("completion", shell);
    expect(code).toBe(0);
    for (const word of ["reproduce", "compare", "schedule-epochs", "adadelta", "fashion-mnist"]) expect(stdout).toContain(word);
    // The shell itself says whether it parses, where it is installed.
    if (existsSync(`/usr/bin/${shell}`)) execFileSync(shell, ["-n", file(`completion.${shell}`, stdout)]);
  });

  test("the completion for bash completes", async () => {
    const script = file("completion.sh", (await cli("completion", "bash")).stdout);
    const complete = (...words: string[]) =>
      execFileSync("bash", [
        "-c",
        `set -u; source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _trainyard; echo "\${COMPREPLY[*]}"`,
        script,
        "trainyard",
        ...words,
      ])
        .toString()
        .trim();
    expect(complete("ru")).toBe("runs");
    expect(complete("runs", "re")).toBe("restore rename resume");
    expect(complete("runs", "resume", "latest", "--e")).toBe("--epochs");
    expect(complete("train", "fa")).toBe("fashion-mnist");
    expect(complete("train", "iris", "--optimizer", "ada")).toBe("adam adamw adagrad adadelta");
    expect(complete("train", "iris", "--activation", "Ta")).toBe("Tanh");
  });

  test("no runs are no error", async () => {
    const alone = join(root, "alone");
    const [text, json] = [await trainyard(alone, ["runs"]), await trainyard(alone, ["runs", "--json"])];
    expect(text).toMatchObject({ code: 0, stdout: "no runs yet; train one: npx trainyard train mnist\n", stderr: "" });
    expect(json).toMatchObject({ code: 0, stdout: "", stderr: "" });
  });
});

describe("a run on a server", () => {
  let trained: Ended;
  beforeAll(async () => {
    trained = await cli("train", "--epochs", "3", "iris", "--batch-size=20", "--name", "first", "--tag", "team=flowers", "--note", "a note");
  });

  test("is shown as it goes, then how good it is and how to get its model", () => {
    const { code, stdout, stderr } = trained;
    expect(code).toBe(0);
    // Where no terminal is: plain lines. Progress goes to stderr, results to stdout.
    expect(stderr).toMatch(
      /^(?:run first waits for a worker\n)?108 samples, 6 steps an epoch\nepoch 1: loss \S+, accuracy \S+ %; validation loss \S+, accuracy \S+ % \(best\)\nepoch 2: .+\nepoch 3: .+\n$/,
    );
    expect(stdout).toMatch(
      /^iris: mlp with 1,027 parameters, run first\n\ntest split, 30 samples never seen in training\n +test +95 % interval +training +baseline\nAccuracy [^\n]+\nBalanced accuracy [^\n]+\nLog loss [^\n]+\nROC-AUC [^\n]+\n\nclass +precision +recall +F1 +samples\nIris-setosa /,
    );
    expect(stdout).toMatch(/\n\nmodel {2}npx trainyard export first -o first\.onnx\n$/);
  });

  test("is found by its number, its name, its id, and as the latest", async () => {
    const [run] = jsonLines((await cli("runs", "--json", "--filter", "name=first")).stdout);
    const found = await Promise.all([String(run.number), `#${run.number}`, "first", run.id].map((name) => cli("runs", "show", name, "--json")));
    for (const { code, stdout } of found) expect([code, JSON.parse(stdout).id]).toEqual([0, run.id]);
    expect(JSON.parse(found[0]!.stdout)).toMatchObject({ note: "a note", tags: { team: "flowers" }, settings: { training: { epochs: 3 } } });
    const none = await cli("evaluate", "earliest");
    expect([none.code, none.stderr]).toEqual([1, expect.stringMatching(/^error: there is no run "earliest"\n {2}The newest are .*first/)]);
  });

  test("is listed, filtered, sorted, with the columns that are asked for", async () => {
    const [text, columns, none] = await Promise.all([
      cli("runs", "--filter", "tags.team=flowers"),
      cli("runs", "--columns", "name,tags,validation_loss:min", "--sort", "-metrics.test_accuracy", "--filter", "name=first"),
      cli("runs", "--filter", "model=resnet-8"),
    ]);
    expect(text.stdout).toMatch(
      /^ *# {2}run +state +dataset +model +test +created\n *\d+ {2}first +succeeded +iris +mlp +\S+ % {2}\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\n$/,
    );
    expect(columns.stdout).toMatch(/^run +tags +validation_loss:min\nfirst {2}team=flowers +0?\.?\d+\n$/);
    expect(none.stdout).toBe("no such runs\n");
  });

  test("fits the terminal", async () => {
    const { stdout } = await trainyard(home, ["runs", "show", "first"], undefined, { COLUMNS: "50" });
    const table = stdout.slice(stdout.indexOf("\nfile"));
    expect(table).toContain("…");
    for (const line of table.split("\n")) expect(line.length).toBeLessThanOrEqual(50);
  });

  test("is renamed, tagged and noted; what is not said stays", async () => {
    const { id } = JSON.parse((await cli("train", "iris", "--draft", "--json", "--tag", "a=1", "--tag", "b")).stdout);
    await cli("runs", "tag", id, "c=x=y", "--remove", "a");
    await cli("runs", "note", id, "two\nlines");
    const renamed = await cli("runs", "rename", id, "Überprüfung 3");
    expect([renamed.code, renamed.stdout]).toEqual([0, "Überprüfung 3 is draft\n"]);
    const run = JSON.parse((await cli("runs", "show", "Überprüfung 3", "--json")).stdout);
    expect(run).toMatchObject({ id, state: "draft", tags: { b: "", c: "x=y" }, note: "two\nlines" });
    const bad = await cli("runs", "rename", id, "evil\u0007");
    expect([bad.code, bad.stderr]).toEqual([2, expect.stringMatching(/^error: name must have no control characters/)]);
    const started = await cli("runs", "start", id, "--json");
    expect([started.code, jsonLines(started.stdout).at(-1)]).toMatchObject([0, { type: "run", state: "succeeded", id }]);
  });

  test("goes to the trash and comes back", async () => {
    const { name } = JSON.parse((await cli("train", "iris", "--draft", "--json")).stdout);
    expect((await cli("runs", "delete", name)).stdout).toBe(`${name} is in the trash\n`);
    expect(jsonLines((await cli("runs", "--trash", "--json")).stdout)).toMatchObject([{ name }]);
    expect((await cli("admin", "storage")).stdout).toContain("of 1 runs and 0 datasets");
    expect((await cli("runs", "restore", name)).stdout).toBe(`${name} is draft\n`);
    await cli("runs", "delete", name);
    expect(JSON.parse((await cli("admin", "purge", "--json")).stdout)).toMatchObject({ runs: 1 });
  });

  test("is evaluated with chosen metrics", async () => {
    const [json, text, wrong] = [
      await cli("evaluate", "first", "--json"),
      await cli("evaluate", "first", "--metrics", "f1,accuracy"),
      await cli("evaluate", "first", "--metrics", "f1,beauty"),
    ];
    expect(JSON.parse(json.stdout)).toMatchObject({ task: "classification", split: "test", samples: 30, confusion: { length: 3 } });
    expect(text.stdout).toMatch(
      /^test split, 30 samples never seen in training\n +test +95 % interval +training +baseline\nLoss +\S+\nAccuracy +\S+ +\S+ to \S+ +\S+ +\S+\nF1 +\S+ +\S+ to \S+ +\S+ +\S+\n$/,
    );
    expect([wrong.code, wrong.stderr]).toEqual([
      2,
      expect.stringMatching(/^error: there is no metric.* "beauty"\n {2}Choose one of: accuracy, balanced-accuracy, precision/),
    ]);
  });

  test("predicts tables of any length as lines for people and for programs", async () => {
    const long = file(
      "long.csv",
      readFileSync("data/iris.csv", "utf8").replace(/\n([\s\S]*)$/, (_, rows: string) => `\n${rows.repeat(7)}`),
    );
    const [text, json, picture] = await Promise.all([
      cli("predict", "first", "data/iris.csv"),
      cli("predict", "first", long, "--json"),
      cli("predict", "first", "data/iris.csv", "test/data/mnist/t10k-labels-idx1-ubyte.gz"),
    ]);
    const lines = jsonLines(json.stdout);
    expect(lines).toHaveLength(1050);
    expect(lines[0]).toEqual({ source: `${long}:1`, label: expect.stringMatching(/^Iris-/), outputs: expect.any(Object) });
    expect(lines[1049]).toEqual({ ...lines[149], source: `${long}:1050` });
    expect(text.stdout).toMatch(/^input +prediction\ndata\/iris\.csv:1 +Iris-\w+ +\d+\.\d\d %\n/);
    expect([picture.code, picture.stdout, picture.stderr]).toEqual([1, "", expect.stringMatching(/^error: test\S+gz/)]);
  });

  test("is exported as one file, or as a folder, and nowhere if there is no place", async () => {
    const [model, folder] = [join(root, "model.onnx"), join(root, "exported")];
    const good = await cli("export", "first", "-o", model);
    const whole = await cli("export", "first", "-o", folder, "--json");
    const [link, again, bad, missing] = await Promise.all([
      cli("export", "first", "--link", "model.onnx"),
      cli("export", "first", "-o", folder),
      cli("export", "first", "-o", join(root, "nowhere", "model.onnx")),
      cli("export", "first"),
    ]);
    expect([good.code, good.stdout]).toEqual([0, expect.stringMatching(new RegExp(`^${model}  \\d+\\.\\d kB\n$`))]);
    expect(JSON.parse(whole.stdout)).toMatchObject({ path: folder, size: expect.any(Number) });
    expect(readdirSync(folder).sort()).toEqual([
      "checkpoints",
      "evaluation.json",
      "metrics.jsonl",
      "model.onnx",
      "plan",
      "predictions.safetensors",
      "run.json",
      "test-records.safetensors",
    ]);
    expect(readFileSync(join(folder, "model.onnx")).equals(readFileSync(model))).toBe(true);
    expect(JSON.parse(readFileSync(join(folder, "run.json"), "utf8"))).toMatchObject({ name: "first", state: "succeeded" });
    expect(jsonLines(readFileSync(join(folder, "metrics.jsonl"), "utf8")).at(-1)).toMatchObject({ step: 18, train_loss: expect.any(Number) });
    expect([link.code, link.stderr]).toEqual([0, expect.stringMatching(/^Whoever has the link downloads model\.onnx, until 20/)]);
    expect(Buffer.from(await (await fetch(link.stdout.trimEnd())).arrayBuffer()).equals(readFileSync(model))).toBe(true);
    expect([again.code, again.stderr]).toEqual([2, `error: ${folder} is there already\n  Choose another folder, or remove it first.\n`]);
    expect([bad.code, bad.stderr]).toEqual([1, expect.stringMatching(/^error: could not write .+: ENOENT/)]);
    expect([missing.code, missing.stderr]).toEqual([2, expect.stringMatching(/^error: export needs a place to write to, or the file to link to\n/)]);
  });

  test("is compared with another in what differs", async () => {
    await cli("train", "iris", "--epochs", "1", "--hidden", "8", "--name", "second");
    const [text, json] = await Promise.all([cli("runs", "compare", "first", "second"), cli("runs", "compare", "first", "second", "--json")]);
    expect(text.stdout).toMatch(/^ +first +second\n/);
    expect(text.stdout).toMatch(/\nmodel\.params\.hidden +\S+ +\[8\]\n/);
    expect(text.stdout).toMatch(/\ntraining\.epochs +3 +1\n/);
    expect(text.stdout).not.toContain("training.seed");
    expect(JSON.parse(json.stdout).runs).toHaveLength(2);
  });

  test("is archived for good, listed and reproduced to the bit", async () => {
    const archived = await cli("archive", "first");
    expect([archived.code, archived.stdout]).toEqual([0, expect.stringMatching(/^first is archived as experiment [0-9a-f]{12}, \S+ kB\n$/)]);
    const [experiment] = jsonLines((await cli("experiments", "--json")).stdout);
    const [list, shown, again] = await Promise.all([
      cli("experiments"),
      cli("experiments", "show", experiment.hash.slice(0, 8), "--json"),
      cli("archive", "first"),
    ]);
    expect(list.stdout).toMatch(/^experiment +hash .*\nfirst +[0-9a-f]{12} /);
    expect(JSON.parse(shown.stdout)).toMatchObject({ hash: experiment.hash, manifest: { manifest: 1, run: { name: "first" } } });
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining("was archived as experiment")]);
    const reproduced = await cli("reproduce", "first");
    expect([reproduced.code, reproduced.stdout]).toEqual([0, expect.stringMatching(/\nthe same bits as the experiment\n$/)]);
  });

  test("is still known by name once it is archived, and predicts", async () => {
    const { code, stdout } = await cli("predict", "first", "data/iris.csv", "--json");
    expect([code, jsonLines(stdout).length]).toEqual([0, 150]);
  });

  test("has a history, and can be seen as it was", async () => {
    const { id, version } = JSON.parse((await cli("runs", "show", "second", "--json")).stdout);
    const [events, text, exported, was] = await Promise.all([
      cli("events", "--kind", "run", "--entity", "second", "--json"),
      cli("events", "--kind", "run", "--entity", "second", "--limit", "1"),
      cli("events", "--kind", "run", "--entity", "second", "--export"),
      cli("rewind", "run", "second", "--json"),
    ]);
    const lines = jsonLines(events.stdout);
    expect(lines.map((e) => e.version)).toEqual(Array.from({ length: version }, (_, i) => version - i));
    expect(lines.at(-1)).toMatchObject({ kind: "run", entity: id, type: "created" });
    expect(text.stdout).toMatch(/^ *seq +time +kind +entity +event +actor +data\n.+\n$/);
    expect(text.stderr).toBe("There are more: --limit 2, or --all.\n");
    expect(jsonLines(exported.stdout)).toHaveLength(version);
    expect(jsonLines(exported.stdout)[0]).toMatchObject({ specversion: "1.0" });
    expect(JSON.parse(was.stdout)).toMatchObject({ version, state: { name: "second" } });
  });

  test("leaves a platform that is sound", async () => {
    const [verified, jobs, workers] = await Promise.all([
      cli("admin", "verify"),
      cli("admin", "jobs", "--state", "done", "--json"),
      cli("admin", "workers"),
    ]);
    expect([verified.code, verified.stdout]).toEqual([0, expect.stringMatching(/^\d+ entities are what their \d+ events say\n$/)]);
    expect(jsonLines(jobs.stdout)[0]).toMatchObject({ state: "done", subject: expect.any(Object) });
    expect(workers.stdout).toMatch(/\n\S+ +alive +0 of 1 /);
  });
});

describe("files", () => {
  test("become a dataset by the way, once, whatever they are called", async () => {
    const table = file("Häuser & Gärten.csv", readFileSync("data/iris.csv", "utf8"));
    const first = await cli("train", table, "--target", "species", "--test-fraction", "0.3");
    expect([first.code, first.stdout]).toEqual([
      0,
      expect.stringMatching(/^H-user - G-rten: mlp with [\d,]+ parameters, run H-user - G-rten-mlp-\d+\n/),
    ]);
    const again = await cli("train", table, "--target", "species", "--test-fraction", "0.3", "--json");
    expect(jsonLines(again.stdout).at(-1)).toMatchObject({ state: "succeeded", source: { name: "H-user - G-rten", version: 1 } });
    const named = await cli("train", "H-user - G-rten", "--model", "softmax-regression", "--json");
    expect(jsonLines(named.stdout).at(-1)).toMatchObject({ state: "succeeded", model: "softmax-regression" });
  });

  test("are registered, listed, shown and deleted", async () => {
    const added = await cli("dataset", "add", "heights", "test/data/height-weight.csv", "--task", "regression");
    expect([added.code, added.stdout]).toEqual([
      0,
      expect.stringMatching(/^dataset +heights@1\n[\s\S]+\ntask +regression\n[\s\S]+\ntrain on it: npx trainyard train heights\n$/),
    ]);
    expect((await cli("datasets")).stdout).toMatch(/^dataset +state +task .*\nheights@1 +ready +regression /);
    const regression = await cli("train", "heights", "--epochs", "2");
    expect([regression.code, regression.stdout, regression.stderr]).toEqual([
      0,
      expect.stringMatching(/\nMean absolute error +\S+ +\S+ to \S+ +\S+ +\S+\n/),
      expect.stringMatching(/\nepoch 2: loss \S+, mean error \S+; validation loss \S+, mean error \S+/),
    ]);
    expect((await cli("dataset", "delete", "heights")).stdout).toBe("heights@1 is deleted\n");
    expect((await cli("dataset", "show", "heights")).stderr).toContain('there is no dataset "heights"');
  });

  test("of pictures are uploaded from a folder, and pictures predicted", async () => {
    const trained = await cli("train", "mnist", "--path", "test/data/mnist", "--filters", "4,8", "--units", "16", "--name", "digits");
    expect([trained.code, trained.stdout]).toEqual([0, expect.stringMatching(/^mnist-files: cnn with [\d,]+ parameters, run digits\n/)]);
    const { default: sharp } = await import("sharp");
    const picture = join(root, "digit.png");
    await sharp({ create: { width: 28, height: 28, channels: 3, background: "black" } })
      .png()
      .toFile(picture);
    const predicted = await cli("predict", "digits", picture, "--json");
    expect([predicted.code, JSON.parse(predicted.stdout)]).toMatchObject([0, { source: picture, label: expect.stringMatching(/^\d$/) }]);
    const none = await cli("predict", "digits", join(root, "none.png"));
    expect([none.code, none.stderr]).toEqual([1, `error: picture not found: ${join(root, "none.png")}\n  Check the path.\n`]);
  });
});
