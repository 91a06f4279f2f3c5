/** What administrators do with the buckets of the configuration. Whatever changes one is told in the history of the platform. */
import { createHash } from "node:crypto";
import type { z } from "zod";
import type { bucketPage, DatasetView, importObjects as importSchema } from "../../../shared/api/schemas.ts";
import { fail } from "../../../shared/errors.ts";
import { sourceByEnding } from "../../../shared/file-sources.ts";
import type { BrowsedBucket } from "../../../storage/browse.ts";
import type { Context } from "../../entity.ts";
import type { Download } from "../../handler.ts";
import { DEFAULT_PROJECT } from "../../ids.ts";
import type { Kernel } from "../../kernel.ts";
import { keep } from "../artifacts/service.ts";
import { registerDataset } from "../datasets/service.ts";
import { audit } from "../events/audit.ts";

export async function listObjects(
  { buckets }: Kernel,
  bucket: string,
  { prefix, limit, cursor }: { prefix: string; limit: number; cursor?: string },
): Promise<z.infer<typeof bucketPage>> {
  const { folders, objects, next } = await (await buckets.reading(bucket)).page(prefix, limit, cursor);
  return {
    folders: [...folders],
    items: objects.map(({ name, size, modifiedAt }) => ({ name, size, modifiedAt: modifiedAt.toISOString() })),
    next: next ?? null,
  };
}

/** The last part of a name. */
const bare = (name: string): string => name.split("/").findLast(Boolean) ?? "object";

export async function getObject({ buckets }: Kernel, bucket: string, name: string, range: Parameters<BrowsedBucket["open"]>[1]): Promise<Download> {
  return { ...(await (await buckets.reading(bucket)).open(name, range)), filename: bare(name) };
}

/** @throws BAD_USAGE without a length, PAYLOAD_TOO_LARGE, BUCKET_READ_ONLY, OBJECT_EXISTS */
export async function putObject(
  kernel: Kernel,
  { bucket, name, replace }: { bucket: string; name: string; replace: boolean },
  { upload, length, signal }: { upload: AsyncIterable<Uint8Array>; length?: number; signal: AbortSignal },
  context: Context,
): Promise<{ name: string; size: number }> {
  const { maxUpload } = kernel.config;
  const target = await kernel.buckets.writing(bucket);
  if (length === undefined) throw fail("BAD_USAGE", { problem: "the upload does not say how long it is", fix: "Send Content-Length." });
  if (length > maxUpload) throw fail("PAYLOAD_TOO_LARGE", { limit: maxUpload });
  await target.put(name, upload, { size: length, replace, signal });
  await audit(kernel, { type: "object-stored", bucket, name, size: length }, context);
  return { name, size: length };
}

export async function deleteObject(kernel: Kernel, bucket: string, name: string, context: Context): Promise<void> {
  await (await kernel.buckets.writing(bucket)).remove(name);
  await audit(kernel, { type: "object-deleted", bucket, name }, context);
}

/** What a file of a dataset is called: plain, and no two alike. */
function fileNames(objects: readonly string[]): string[] {
  const names = objects.map(
    (name) =>
      bare(name)
        .replaceAll(/[^A-Za-z0-9._-]/g, "_")
        .replace(/^[^A-Za-z0-9]+/, "")
        .slice(-100) || "data",
  );
  return names.map((name, i) => (names.indexOf(name) < i ? `${i + 1}-${name}` : name));
}

/** Reads each object twice, first for its digest: content is announced under it before it is kept. @throws NOT_FOUND, PAYLOAD_TOO_LARGE, BLOB_MISMATCH */
export async function importObjects(
  kernel: Kernel,
  bucket: string,
  { objects, name, source }: z.infer<typeof importSchema>,
  { project: named }: { project?: string },
  context: Context,
): Promise<DatasetView> {
  const from = await kernel.buckets.reading(bucket);
  const project = named === undefined ? DEFAULT_PROJECT : await kernel.things.project(named);
  if (project === undefined) throw fail("NOT_FOUND", { what: "project", id: named! });
  const { maxUpload: maxBytes } = kernel.config;
  const called = fileNames(objects);
  const files: DatasetView["files"] = [];
  for (const [i, object] of objects.entries()) {
    const { body, size } = await from.open(object);
    if (size > maxBytes) {
      body.destroy();
      throw fail("PAYLOAD_TOO_LARGE", { limit: maxBytes });
    }
    const hash = createHash("sha256");
    for await (const chunk of body) hash.update(chunk as Uint8Array);
    const sha256 = hash.digest("hex");
    await keep(kernel, (await from.open(object)).body, project, { sha256, size, maxBytes });
    files.push({ name: called[i]!, sha256, size });
  }
  const reader = source ?? { id: sourceByEnding(objects[0]!) ?? "table" };
  return registerDataset(
    kernel,
    project,
    { name, source: reader, files, note: `From bucket ${bucket}: ${objects.join(", ")}`.slice(0, 2000) },
    context,
  );
}
