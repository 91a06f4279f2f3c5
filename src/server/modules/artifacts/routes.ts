/** Routes of files: what runs produced, what people upload, what workers need. */
import { fail } from "../../../shared/errors.ts";
import type { Asked, Download, Handlers } from "../../handler.ts";
import { open } from "../../ids.ts";
import type { Kernel } from "../../kernel.ts";
import { runEntity } from "../runs/run.ts";
import { getRun } from "../runs/service.ts";
import { claimedSubject } from "./claimed.ts";
import { keep, refersTo } from "./service.ts";

/** A blob as a download. */
export async function sendBlob(kernel: Kernel, sha256: string, filename: string, range?: Asked<"getArtifact">["range"]): Promise<Download> {
  return { ...(await kernel.blobs.get(sha256, range)), filename };
}

/** Takes a blob: streamed into its place while its digest is computed, whole or not at all. */
function receive(
  kernel: Kernel,
  sha256: string,
  { upload, length }: Pick<Asked<"uploadBlob">, "upload" | "length">,
): Promise<{ sha256: string; size: number }> {
  const { maxUpload: maxBytes } = kernel.config;
  if (length !== undefined && length > maxBytes) throw fail("PAYLOAD_TOO_LARGE", { limit: maxBytes });
  return keep(kernel, upload!, { sha256, size: length, maxBytes });
}

export const artifactRoutes: Handlers<"uploadBlob" | "listArtifacts" | "getArtifact" | "putJobBlob" | "getJobBlob"> = {
  uploadBlob: (kernel, asked) => receive(kernel, asked.params.sha256, asked),
  listArtifacts: async (kernel, { params }) => ({ items: (await getRun(kernel, params.id)).artifacts }),
  async getArtifact(kernel, { params: { id, name }, range }) {
    const { state } = await runEntity.get(kernel.db.query, open(id, "run"));
    const artifact = Object.hasOwn(state.artifacts, name) ? state.artifacts[name] : undefined;
    if (!artifact)
      throw fail("ARTIFACT_MISSING", { what: `run "${state.name}"`, name, fix: `It has: ${Object.keys(state.artifacts).join(", ") || "none yet"}.` });
    return sendBlob(kernel, artifact.sha256, name, range);
  },
  async putJobBlob(kernel, asked) {
    await claimedSubject(kernel.db.query, asked.params.id, asked.query.token);
    return receive(kernel, asked.params.sha256, asked);
  },
  async getJobBlob(kernel, { params: { id, sha256 }, query, range }) {
    const subject = await claimedSubject(kernel.db.query, id, query.token);
    if (!(await refersTo(kernel.db.query, [subject], sha256))) throw fail("NOT_FOUND", { what: "file of the job", id: sha256 });
    return sendBlob(kernel, sha256, sha256, range);
  },
};
