/** Routes of experiments. */
import { Readable } from "node:stream";
import { fail } from "../../../shared/errors.ts";
import type { Grant } from "../../gate.ts";
import type { Handlers } from "../../handler.ts";
import type { Kernel } from "../../kernel.ts";
import { nextCursor, readCursor } from "../../paging.ts";
import { downloadLink, sendBlob } from "../artifacts/routes.ts";
import { archiveRun, getExperiment, lineage, listExperiments, readManifest, reproduce } from "./service.ts";

/** @returns the digest of an experiment's file @throws ARTIFACT_MISSING */
async function fileOf(kernel: Kernel, id: string, name: string): Promise<string> {
  const { manifest } = await readManifest(kernel, id);
  const file = manifest.files.find((one) => one.name === name);
  if (file) return file.sha256;
  const fix = `It has: ${manifest.files.map((one) => one.name).join(", ")}.`;
  throw fail("ARTIFACT_MISSING", { what: `experiment "${manifest.run.name}"`, name, fix });
}

/** Who reads one thing by a link is told of no other. */
const visibleBesides = ({ actor, project }: Grant): readonly string[] | undefined =>
  actor.kind === "person" ? (actor.role === "admin" && actor.only === undefined ? undefined : [project!]) : [];

export const experimentRoutes: Handlers<
  | "archiveRun"
  | "listExperiments"
  | "getExperiment"
  | "getLineage"
  | "getManifest"
  | "getExperimentFile"
  | "linkToExperimentFile"
  | "reproduceExperiment"
> = {
  archiveRun: (kernel, { params, context, key }) => archiveRun(kernel, params.id, context, key),
  async listExperiments(kernel, { query, grant }) {
    const { items, last } = await listExperiments(kernel, { ...query, visible: grant.visible }, readCursor(query.cursor, "time"));
    return { items, next: nextCursor(last) };
  },
  getExperiment: (kernel, { params }) => getExperiment(kernel, params.id),
  getLineage: (kernel, { params, grant }) => lineage(kernel, params.id, visibleBesides(grant)),
  async getManifest(kernel, { params }) {
    const { bytes } = await readManifest(kernel, params.id);
    return { body: Readable.from([bytes]), size: bytes.length, filename: "manifest.json" };
  },
  getExperimentFile: async (kernel, { params: { id, name }, range }) => sendBlob(kernel, await fileOf(kernel, id, name), name, range),
  linkToExperimentFile: async (kernel, { params: { id, name } }) => downloadLink(kernel, await fileOf(kernel, id, name), name),
  reproduceExperiment: (kernel, { params, context, key, grant }) => reproduce(kernel, grant.project!, params.id, context, key),
};
