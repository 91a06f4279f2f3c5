/** What lies where in an exported run, and that it is written whole or not at all. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type RunFolderParts, writeRunFolder } from "./run-folder.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "trainyard-"));
});
afterEach(() => rmSync(root, { recursive: true }));

const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => "accepted",
    ({ code, message, fix }) => [code, message, fix],
  );
const text = (...names: string[]) => readFileSync(join(root, ...names), "utf8");
const file = (name: string, ...parts: string[]) => ({ name, content: parts.map((part) => new TextEncoder().encode(part)) });
const names = ["last.safetensors", "best.safetensors", "plan.json", "train.onnx", "model.onnx", "evaluation.json"];
const parts: RunFolderParts = {
  record: { id: "a", settings: { training: { epochs: 2 } } },
  metrics: [
    { series: "loss", step: 1, value: 0.5 },
    { series: "loss", step: 2, value: null },
  ],
  files: names.map((name) => file(name, "content of ", name)),
};

test("a run becomes run.json, metrics.jsonl, checkpoints, plan, model and evaluation", async () => {
  await writeRunFolder(join(root, "deep", "run"), parts);
  expect(readdirSync(join(root, "deep"))).toEqual(["run"]);
  expect(readdirSync(join(root, "deep", "run"), { recursive: true }).sort()).toEqual(
    [
      ...["run.json", "metrics.jsonl", "model.onnx", "evaluation.json", "checkpoints", "plan"],
      ...[join("checkpoints", "last.safetensors"), join("checkpoints", "best.safetensors"), join("plan", "plan.json"), join("plan", "train.onnx")],
    ].sort(),
  );
  expect(JSON.parse(text("deep", "run", "run.json"))).toEqual(parts.record);
  expect(text("deep", "run", "metrics.jsonl")).toBe('{"series":"loss","step":1,"value":0.5}\n{"series":"loss","step":2,"value":null}\n');
  expect(text("deep", "run", "checkpoints", "last.safetensors")).toBe("content of last.safetensors");
});

test("a draft, which has neither checkpoints nor a plan, has no folders for them; an empty folder is taken", async () => {
  mkdirSync(join(root, "run"));
  await writeRunFolder(join(root, "run"), { ...parts, metrics: [], files: [] });
  expect(readdirSync(join(root, "run")).sort()).toEqual(["metrics.jsonl", "run.json"]);
});

test("what is there already is left alone", async () => {
  mkdirSync(join(root, "run"));
  writeFileSync(join(root, "run", "mine"), "");
  writeFileSync(join(root, "file"), "");
  for (const name of ["run", "file"])
    expect(await refusal(writeRunFolder(join(root, name), parts))).toEqual([
      "BAD_USAGE",
      `${join(root, name)} is there already`,
      "Choose another folder, or remove it first.",
    ]);
  expect(readdirSync(root).sort()).toEqual(["file", "run"]);
});

test("a file whose content breaks off leaves no folder behind", async () => {
  async function* broken() {
    yield new Uint8Array(10);
    throw new Error("terminated");
  }
  const files = [file("model.onnx", "whole"), { name: "last.safetensors", content: broken() }];
  await expect(writeRunFolder(join(root, "run"), { ...parts, files })).rejects.toThrow("terminated");
  expect(readdirSync(root)).toEqual([]);
});

test.each(["../model.onnx", "/etc/model.onnx", "a/b", "..", ".hidden", "a\\b", ""])("a file named %j goes nowhere", async (name) => {
  expect(await refusal(writeRunFolder(join(root, "run"), { ...parts, files: [file(name, "x")] }))).toMatchObject([
    "BAD_KEY",
    expect.stringContaining("it is no plain file name"),
    expect.any(String),
  ]);
  expect(readdirSync(root)).toEqual([]);
});

test("what cannot be written is an error that names the folder", async () => {
  writeFileSync(join(root, "file"), "");
  const path = join(root, "file", "run");
  expect(await refusal(writeRunFolder(path, parts))).toEqual([
    "WRITE_FAILED",
    expect.stringMatching(/^could not write .+file.run: E(NOTDIR|EXIST)/),
    "Free some space or choose another folder. Nothing was left behind.",
  ]);
});
