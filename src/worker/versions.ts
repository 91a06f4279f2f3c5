/** What ran a training: recorded with it, since bits are promised for the same machine and versions. */
import { readFileSync } from "node:fs";
import { cpus } from "node:os";
import { runtimeVersion } from "../engine/session.ts";

const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as { version: string };

export const versions = () => ({
  trainyard: version,
  onnxruntime: runtimeVersion,
  node: process.versions.node,
  platform: `${process.platform}-${process.arch}`,
  cpu: cpus()[0]?.model ?? "unknown",
});
