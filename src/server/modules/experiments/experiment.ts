/** An experiment as an entity: one event, after which nothing changes. Pure. */
import type { z } from "zod";
import type { experiment } from "../../../shared/api/schemas.ts";
import { applying, Entity } from "../../entity.ts";
import { inDefault } from "../../ids.ts";

export type ExperimentState = Omit<z.infer<typeof experiment>, "tags"> & {
  /** Of the run. What was archived before these were kept has none here, but in its manifest. */
  readonly tags?: Readonly<Record<string, string>>;
  /** Of the request under whose Idempotency-Key it was archived. */
  readonly digest?: string;
};
export type ExperimentEvent = { readonly type: "archived" } & Omit<ExperimentState, "createdAt">;

export const experimentEntity = new Entity<ExperimentState, ExperimentEvent>({
  kind: "experiment",
  module: "experiments",
  table: "experiments",
  project: (s) => s.project,
  apply: applying<ExperimentState, ExperimentEvent, "archived">("archived", (archived, at) => ({ ...inDefault(archived), createdAt: at }), {}),
  columns: (s) => ({ project: s.project, hash: s.hash, name: s.name, run: s.run, created_at: new Date(s.createdAt) }),
});
