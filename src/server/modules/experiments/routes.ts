/** Routes of experiments. */
import { Readable } from "node:stream";
import { fail } from "../../../shared/errors.ts";
import type { Handlers } from "../../handler.ts";
import { nextCursor, readCursor } from "../../paging.ts";
import { archiveRun, getExperiment, listExperiments, readManifest, reproduce } from "./service.ts";

export const experimentRoutes: Handlers<
  "archiveRun" | "listExperiments" | "getExperiment" | "getManifest" | "getExperimentFile" | "reproduceExperiment"
> = {
  archiveRun: (kernel, { params, context, key }) => archiveRun(kernel, params.id, context, key),
  async listExperiments(kernel, { query }) {
    const { items, last } = await listExperiments(kernel, query.limit, readCursor(query.cursor, "time"));
    return { items, next: nextCursor(last) };
  },
  getExperiment: (kernel, { params }) => getExperiment(kernel, params.id),
  async getManifest(kernel, { params }) {
    const { bytes } = await readManifest(kernel, params.id);
    return { body: Readable.from([bytes]), size: bytes.length, filename: "manifest.json" };
  },
  async getExperimentFile(kernel, { params: { id, name }, range }) {
    const { manifest } = await readManifest(kernel, id);
    const file = manifest.files.find((one) => one.name === name);
    if (!file)
      throw fail("ARTIFACT_MISSING", {
        what: `experiment "${manifest.run.name}"`,
        name,
        fix: `It has: ${manifest.files.map((one) => one.name).join(", ")}.`,
      });
    return { ...(await kernel.blobs.get(file.sha256, range)), filename: name };
  },
  reproduceExperiment: (kernel, { params, context, key }) => reproduce(kernel, params.id, context, key),
};
