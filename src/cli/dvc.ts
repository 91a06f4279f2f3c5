/** `datasets dvc-export` and `runs dvc-export`: data and models where DVC finds them; and what `datasets add --dvc` reads. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import { fail } from "../shared/errors.ts";
import { add, answer, type Options, verb } from "./command.ts";
import { config } from "./config.ts";
import { downloadArtifacts, downloadFiles } from "./download.ts";
import { findRun, runArgument } from "./find.ts";
import { bytes, thousands } from "./output.ts";

interface DvcOptions extends Options {
  readonly remote: string;
  readonly snapshot?: boolean;
}

const remoteFlag = ["--remote <url>", "where DVC keeps it: s3://bucket/prefix (the variables of `bucket` say how), or a folder"] as const;
const storage = () => import("../storage/dvc.ts"); // the SDK takes its time to load
const s3 = () => ({ endpoint: config.s3Endpoint, region: config.s3Region });

export function registerDatasetDvc(datasets: Command, datasetArgument: string): void {
  add(datasets, "dvc-export", "push a dataset to a DVC remote, with a .dvc file for dvc pull")
    .argument("<dataset>", datasetArgument)
    .argument("<folder>", "where the .dvc file goes: a DVC project, or what becomes one")
    .requiredOption(...remoteFlag)
    .option("--snapshot", "what was made of its files instead of these: safetensors, profile, of a table also Parquet")
    .action(
      verb(async ({ client }, { remote, snapshot }: DvcOptions, name: string, folder: string) => {
        const dataset = await client.call("getDataset", { params: { id: name } });
        const files = snapshot ? dataset.snapshot : dataset.files;
        if (!files.length)
          throw fail("BAD_USAGE", { problem: `dataset "${dataset.name}" has no files of its own`, fix: "Export what was made of them: --snapshot." });
        return exported(
          dataset.name.replaceAll(" ", "-"),
          remote,
          folder,
          (to) => downloadFiles(client, dataset.id, files, to),
          files.map((file) => file.name),
        );
      }),
    );
}

/** What of a run is worth keeping beside code. */
const ofRuns: readonly string[] = ["model.onnx", "best.safetensors", "last.safetensors", "plan.json", "evaluation.json"];

export function registerRunDvc(runs: Command): void {
  add(runs, "dvc-export", "push a run's model and checkpoints to a DVC remote, with a .dvc file for dvc pull")
    .argument("<run>", runArgument)
    .argument("<folder>", "where the .dvc file goes: a DVC project, or what becomes one")
    .requiredOption(...remoteFlag)
    .action(
      verb(async ({ client }, { remote }: DvcOptions, name: string, folder: string) => {
        const { id } = await findRun(client, name);
        const run = await client.call("getRun", { params: { id } });
        const files = run.artifacts.filter((artifact) => ofRuns.includes(artifact.name));
        if (!files.length) throw fail("ARTIFACT_MISSING", { what: `run "${run.name}"`, name: "model.onnx", fix: "Wait until it has trained." });
        return exported(
          run.name.replaceAll(/[^\w.-]+/g, "-"),
          remote,
          folder,
          (to) => downloadArtifacts(client, id, files, to),
          files.map((file) => file.name),
        );
      }),
    );
}

async function exported(name: string, url: string, folder: string, fetch: (to: string) => Promise<void>, names: readonly string[]) {
  const { exportDvc, openRemote } = await storage();
  const temporary = await mkdtemp(join(tmpdir(), "trainyard-dvc-"));
  const remote = await openRemote(url, s3());
  try {
    await fetch(temporary);
    const sources = names.map((relpath) => ({ path: join(temporary, relpath), relpath }));
    const done = await exportDvc(name, sources, remote, folder, { endpoint: s3().endpoint });
    const text = `${done.dvcFile}  ${thousands(done.files)} files, ${bytes(done.size)}, ${thousands(done.pushed)} objects pushed\n\nfetch them there: dvc pull ${name}.dvc`;
    return answer(done, () => text);
  } finally {
    remote.close();
    await rm(temporary, { recursive: true, force: true });
  }
}

/** What a .dvc file names, here for as long as `use` takes. */
export async function withDvc<T>(dvcFile: string, url: string | undefined, use: (path: string) => Promise<T>): Promise<T> {
  const { openRemote, readDvc } = await storage();
  const temporary = await mkdtemp(join(tmpdir(), "trainyard-dvc-"));
  const remote = url === undefined ? undefined : await openRemote(url, s3());
  try {
    return await use(await readDvc(dvcFile, temporary, remote, s3()));
  } finally {
    remote?.close();
    await rm(temporary, { recursive: true, force: true });
  }
}
