/** What ran a training: recorded with it, since bits are promised for the same machine and versions. */
import { cpus } from "node:os";
import { runtimeVersion } from "../engine/session.ts";
import { version } from "../shared/version.ts";

export const versions = () => ({
  trainyard: version,
  onnxruntime: runtimeVersion,
  node: process.versions.node,
  platform: `${process.platform}-${process.arch}`,
  cpu: cpus()[0]?.model ?? "unknown",
});
