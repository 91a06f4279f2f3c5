/** A version of a registered dataset as an entity. Its files never change; once it is ready, nothing does but its note. Pure. */
import type { z } from "zod";
import type { DatasetFacts, datasetFile, datasetStates, Reason } from "../../../shared/api/schemas.ts";
import type { StoredFile } from "../../../shared/dataset.ts";
import { fail } from "../../../shared/errors.ts";
import { applying, Entity, type Tx } from "../../entity.ts";
import { inDefault } from "../../ids.ts";

export interface DatasetState {
  readonly id: string;
  readonly project: string;
  readonly name: string;
  readonly number: number;
  readonly source: { readonly id: string; readonly params: Record<string, never> };
  readonly files: readonly z.infer<typeof datasetFile>[];
  readonly status: (typeof datasetStates)[number];
  readonly note: string;
  readonly reason?: Reason;
  /** What the import made of the files; before it, preview.json alone. */
  readonly snapshot: readonly StoredFile[];
  readonly facts?: DatasetFacts;
  readonly createdAt: string;
  readonly deletedAt?: string;
  readonly purged?: boolean;
}

export type DatasetEvent =
  | ({ readonly type: "registered"; readonly preview?: boolean } & Pick<DatasetState, "id" | "project" | "name" | "number" | "source" | "files"> &
      Partial<Pick<DatasetState, "note">>)
  | { readonly type: "previewed"; readonly files: readonly StoredFile[] }
  | { readonly type: "importing"; readonly source: DatasetState["source"] }
  | { readonly type: "read"; readonly facts: DatasetFacts; readonly files: readonly StoredFile[] }
  | { readonly type: "refused"; readonly reason: Reason }
  | { readonly type: "rereading" }
  | { readonly type: "described"; readonly note: string }
  | { readonly type: "deleted" }
  | { readonly type: "restored" }
  | { readonly type: "purged" };

export const datasetEntity = new Entity<DatasetState, DatasetEvent>({
  kind: "dataset",
  module: "datasets",
  table: "datasets",
  project: (s) => s.project,
  apply: applying<DatasetState, DatasetEvent, "registered">(
    "registered",
    ({ preview, ...registered }, at) => ({
      ...inDefault(registered),
      note: registered.note ?? "",
      status: preview ? "previewing" : "reading",
      snapshot: [],
      createdAt: at,
    }),
    {
      previewed: (_, { files }) => ({ status: "previewed", snapshot: files, reason: undefined }),
      importing: (_, { source }) => ({ status: "reading", source }),
      read: (_, { facts, files = [] }) => ({ status: "ready", facts, snapshot: files, reason: undefined }),
      refused: (_, { reason }) => ({ status: "failed", reason }),
      rereading: () => ({ status: "reading", reason: undefined }),
      described: (_, { note }) => ({ note }),
      deleted: (_, __, at) => ({ deletedAt: at }),
      restored: () => ({ deletedAt: undefined }),
      purged: () => ({ purged: true }),
    },
  ),
  columns: (s) =>
    s.purged
      ? undefined
      : {
          project: s.project,
          name: s.name,
          number: s.number,
          status: s.status,
          created_at: new Date(s.createdAt),
          deleted_at: s.deletedAt ? new Date(s.deletedAt) : null,
        },
});

/** Under which name a dataset refers to a file of its snapshot; its originals have their own. */
export const snapshotName = (name: string): string => `snapshot/${name}`;

/** Imports what was looked at, or could not be imported. @throws WRONG_STATE */
export function beginImport(s: DatasetState, source: DatasetState["source"]): readonly DatasetEvent[] {
  if (s.status !== "previewed" && s.status !== "failed")
    throw fail("WRONG_STATE", { what: `dataset "${s.name}"`, state: s.status, verb: "imported", want: "previewed" });
  return [{ type: "importing", source }];
}

/** How far an import is: it moves too fast to be events. */
export async function setImported(tx: Tx, id: string, progress: { readonly done: number; readonly total: number } | null): Promise<void> {
  await tx
    .updateTable("datasets")
    .set({ progress: progress && JSON.stringify(progress) })
    .where("id", "=", id)
    .execute();
}
