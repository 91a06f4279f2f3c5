/** Routes of files: what runs produced, what people upload, what workers need. */
import { fail } from "../../../shared/errors.ts";
import type { Asked, Download, Handlers } from "../../handler.ts";
import type { Kernel } from "../../kernel.ts";
import { runEntity } from "../runs/run.ts";
import { getRun } from "../runs/service.ts";
import { claimedSubject, ownClaim } from "./claimed.ts";
import { keep, refersTo } from "./service.ts";
import { addPiece, beginTransfer, cancelTransfer, finishTransfer, getTransfer } from "./transfers.ts";

/** A blob as a download. */
export async function sendBlob(kernel: Kernel, sha256: string, filename: string, range?: Asked<"getArtifact">["range"]): Promise<Download> {
  return { ...(await kernel.blobs.get(sha256, range)), filename };
}

/** Takes a blob: streamed into its place while its digest is computed, whole or not at all. */
function receive(
  kernel: Kernel,
  sha256: string,
  holder: string,
  { upload, length }: Pick<Asked<"uploadBlob">, "upload" | "length">,
): Promise<{ sha256: string; size: number }> {
  const { maxUpload: maxBytes } = kernel.config;
  if (length !== undefined && length > maxBytes) throw fail("PAYLOAD_TOO_LARGE", { limit: maxBytes });
  return keep(kernel, upload!, holder, { sha256, size: length, maxBytes });
}

/** @returns the digest of a run's file @throws ARTIFACT_MISSING */
async function artifactOf({ db }: Kernel, run: string, name: string): Promise<string> {
  const { state } = await runEntity.get(db.query, run);
  const artifact = Object.hasOwn(state.artifacts, name) ? state.artifacts[name] : undefined;
  if (artifact) return artifact.sha256;
  throw fail("ARTIFACT_MISSING", { what: `run "${state.name}"`, name, fix: `It has: ${Object.keys(state.artifacts).join(", ") || "none yet"}.` });
}

/** A link that downloads one blob, without signing in. */
export async function downloadLink({ tickets, address }: Kernel, sha256: string, name: string): Promise<{ url: string; expiresAt: string }> {
  const { ticket, expiresAt } = await tickets.make(sha256, name);
  return { url: `${address()}/api/download/${ticket}`, expiresAt };
}

/** Whose transfer it is. */
const owner = ({ grant, context }: Pick<Asked<"getTransfer">, "grant" | "context">) => ({ project: grant.project!, actor: context.actor });

export const artifactRoutes: Handlers<
  | "beginTransfer"
  | "getTransfer"
  | "addPiece"
  | "finishTransfer"
  | "cancelTransfer"
  | "uploadBlob"
  | "listArtifacts"
  | "getArtifact"
  | "linkToArtifact"
  | "download"
  | "getKeys"
  | "putJobBlob"
  | "getJobBlob"
> = {
  beginTransfer: (kernel, asked) => beginTransfer(kernel, owner(asked), asked.body),
  getTransfer: (kernel, asked) => getTransfer(kernel, owner(asked), asked.params.id),
  addPiece: (kernel, asked) => addPiece(kernel, owner(asked), asked.params.id, asked.params.offset, asked.upload!),
  finishTransfer: (kernel, asked) => finishTransfer(kernel, owner(asked), asked.params.id, asked.body.sha256),
  cancelTransfer: async (kernel, asked) => void (await cancelTransfer(kernel, owner(asked), asked.params.id)),
  uploadBlob: (kernel, asked) => receive(kernel, asked.params.sha256, asked.grant.project!, asked),
  listArtifacts: async (kernel, { params }) => ({ items: (await getRun(kernel, params.id)).artifacts }),
  getArtifact: async (kernel, { params: { id, name }, range }) => sendBlob(kernel, await artifactOf(kernel, id, name), name, range),
  linkToArtifact: async (kernel, { params: { id, name } }) => downloadLink(kernel, await artifactOf(kernel, id, name), name),
  async download(kernel, { params, range }) {
    const { sha256, name } = await kernel.tickets.read(params.ticket);
    return sendBlob(kernel, sha256, name, range);
  },
  getKeys: ({ tickets }) => ({ keys: tickets.publicKeys }),
  async putJobBlob(kernel, asked) {
    await claimedSubject(kernel.db.query, asked.params.id, ownClaim(asked.grant, asked.params.id, asked.query.token));
    return receive(kernel, asked.params.sha256, asked.params.id, asked);
  },
  async getJobBlob(kernel, { params: { id, sha256 }, query, range, grant }) {
    const subject = await claimedSubject(kernel.db.query, id, ownClaim(grant, id, query.token));
    if (!(await refersTo(kernel.db.query, [subject], sha256))) throw fail("NOT_FOUND", { what: "file of the job", id: sha256 });
    return sendBlob(kernel, sha256, sha256, range);
  },
};
