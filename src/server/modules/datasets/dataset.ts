/** A version of a registered dataset as an entity. Its files never change. Pure. */
import type { z } from "zod";
import type { DatasetFacts, datasetFile, Reason } from "../../../shared/api/schemas.ts";
import { applying, Entity } from "../../entity.ts";
import { inDefault } from "../../ids.ts";

export interface DatasetState {
  readonly id: string;
  readonly project: string;
  readonly name: string;
  readonly number: number;
  readonly source: { readonly id: string; readonly params: Record<string, never> };
  readonly files: readonly z.infer<typeof datasetFile>[];
  readonly status: "reading" | "ready" | "failed";
  readonly reason?: Reason;
  readonly facts?: DatasetFacts;
  readonly createdAt: string;
  readonly deletedAt?: string;
  readonly purged?: boolean;
}

export type DatasetEvent =
  | ({ readonly type: "registered" } & Pick<DatasetState, "id" | "project" | "name" | "number" | "source" | "files">)
  | { readonly type: "read"; readonly facts: DatasetFacts }
  | { readonly type: "refused"; readonly reason: Reason }
  | { readonly type: "rereading" }
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
    (registered, at) => ({ ...inDefault(registered), status: "reading", createdAt: at }),
    {
      read: (_, { facts }) => ({ status: "ready", facts, reason: undefined }),
      refused: (_, { reason }) => ({ status: "failed", reason }),
      rereading: () => ({ status: "reading", reason: undefined }),
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
