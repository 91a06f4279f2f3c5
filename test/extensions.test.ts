/** Entries from outside: a file each for a dataset, a model, a loss and an optimizer, seen by CLI and API with no other change; and files that are none. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Ended, jsonLines, type Server, serve, temporaryFolder, trainyard } from "./process.ts";

const root = temporaryFolder();
const home = join(root, "home");
const folder = { TRAINYARD_EXTENSIONS: resolve("examples/extensions") };
const cli = (...args: string[]): Promise<Ended> => trainyard(home, args, undefined, folder);

describe("the examples", () => {
  let server: Server;
  beforeAll(async () => {
    server = await serve(home, undefined, folder);
  });
  afterAll(() => server?.stop());

  test("are in the catalog that the server and the command line show", async () => {
    const all = JSON.parse((await cli("catalog", "--json")).stdout) as Record<string, { id: string; params: Record<string, object> }[]>;
    const has = (kind: string, id: string) => all[kind]!.some((entry) => entry.id === id);
    expect([has("datasets", "two-moons"), has("learners", "nearest-centroid"), has("losses", "focal"), has("optimizers", "signum")]).toEqual(
      Array(4).fill(true),
    );
    expect(all.learners!.find(({ id }) => id === "nearest-centroid")!.params.sharpness).toMatchObject({ type: "number", default: 1 });
    expect((await cli("catalog", "learners")).stdout).toContain("nearest-centroid");
    expect((await cli("train", "two-moons", "--model", "nearest-centroid", "--help")).stdout).toMatch(/--noise[\s\S]*--sharpness/);
  });

  test("train, evaluate, and predict by CLI and API", async () => {
    const moons = await cli("train", "two-moons", "--model", "nearest-centroid", "--sharpness", "2", "--noise", "0.1", "--name", "moons");
    expect([moons.code, moons.stderr]).toEqual([0, expect.stringContaining("320 samples")]);
    expect(moons.stdout).toMatch(/Accuracy +0\.8/);
    writeFileSync(join(root, "asked.csv"), "x,y\n-1,0.3\n");
    const told = jsonLines((await cli("predict", "moons", join(root, "asked.csv"), "--json")).stdout);
    expect(told[0]).toMatchObject({ label: "upper" });
    const net = await cli("train", "two-moons", "--loss", "focal", "--optimizer", "signum", "--epochs", "30", "--json");
    expect(net.code).toBe(0);
    const run = jsonLines(net.stdout).findLast((line) => line.type === "run") as unknown as { evaluation: { metrics: Record<string, number> } };
    expect(run.evaluation.metrics.accuracy).toBeGreaterThan(0.84);
  });
});

describe("a file that is no extension ends the command with what was wanted:", () => {
  test.each([
    ["no function", "export default 3;", "wanted a function as its default export, got number"],
    ["a mistake in it", "export default () => { throw new Error('oh'); };", "wanted code that runs, got oh"],
    ["a kind that there is not", "export default () => ({ lossess: [] });", "wanted kinds among datasets, preprocessing"],
    ["no list", "export default () => ({ losses: 3 });", "wanted a list of losses, got 3"],
    ["an id in capitals", "export default () => ({ losses: [{ id: 'Focal' }] });", 'wanted an id in kebab-case for each of losses, got "Focal"'],
    ["no title", "export default () => ({ losses: [{ id: 'a' }] });", 'wanted title and summary of losses "a"'],
    [
      "nothing to compute",
      "export default () => ({ losses: [{ id: 'a', title: 'A', summary: 'A.', params: {} }] });",
      'wanted each of losses "a", got nothing',
    ],
    [
      "an id that is taken",
      "export default ({ loss }) => ({ losses: [loss({ id: 'hinge', title: 'H', summary: 'H.', params: {}, tasks: [], each() {}, link() {} })] });",
      'wanted an id that no other entry has, got losses "hinge", which there is already',
    ],
  ])("%s", async (name, content, problem) => {
    const bad = join(root, name.replaceAll(" ", "-"));
    mkdirSync(bad);
    writeFileSync(join(bad, "bad.js"), content);
    const { code, stderr } = await trainyard(home, ["catalog"], undefined, { TRAINYARD_EXTENSIONS: bad });
    expect([code, stderr]).toEqual([2, expect.stringContaining(problem)]);
    expect(stderr).toContain("bad.js");
  });

  test("a folder that is not there", async () => {
    const { code, stderr } = await trainyard(home, ["catalog"], undefined, { TRAINYARD_EXTENSIONS: join(root, "none") });
    expect([code, stderr]).toEqual([2, expect.stringContaining("Correct TRAINYARD_EXTENSIONS, or unset it.")]);
  });
});
