/**
 * Every route of the server, once. The server binds a handler to each, OpenAPI and the client derive from it,
 * the one gate reads `action`, and the message log reads `exchange`.
 */
import { z } from "zod";
import * as s from "./schemas.ts";

/** What a request wants to do; who may is decided in one place. `work` is for workers alone, `open` for anyone. */
export type Action = "open" | "read" | "write" | "admin" | "work";

/** What the message log calls a request and its answers. */
export interface Exchange {
  readonly aggregator: "catalog" | "training" | "evaluation" | "runs" | "experiments";
  readonly request: string;
  readonly answer: string;
  /** The answer when the request is refused, or its subject is not there. */
  readonly refused: string;
}

export interface Endpoint {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Parameters in braces: /api/runs/{id}. */
  readonly path: string;
  readonly module: (typeof s.modules)[number] | "health";
  readonly summary: string;
  readonly action: Action;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  /** A JSON body. */
  readonly body?: z.ZodType;
  /** A body of raw bytes instead. */
  readonly upload?: boolean;
  readonly response?: z.ZodType;
  /** What comes back instead of JSON. */
  readonly content?: "stream" | "events" | "text" | "jsonl";
  readonly status?: number;
  /** Creates something: takes an Idempotency-Key. */
  readonly creates?: boolean;
  readonly exchange?: Exchange;
}

const exchange = (aggregator: Exchange["aggregator"], request: string, answer: string, refused: string): Exchange => ({
  aggregator,
  request,
  answer,
  refused,
});
const ofRuns = (request: string, answer: string): Exchange => exchange("runs", request, answer, "run_not_exists");

const byId = z.object({ id: s.id });
const byName = z.object({ id: s.id, name: z.string().max(200) });
const list = <T extends z.ZodType>(item: T) =>
  z.object({ items: z.array(item), next: z.string().nullable().meta({ description: "Cursor of the next page; null on the last." }) });
const limit = z.coerce.number().int().min(1).max(500).default(50);
const cursor = z.string().max(2000).optional();
const page = { limit, cursor };
const flag = z.enum(["true", "false"]).optional();
const many = z.preprocess((v) => (v === undefined || Array.isArray(v) ? v : [v]), z.array(z.string().max(500)).max(50).optional());
const period = { from: z.iso.datetime({ offset: true }).optional(), to: z.iso.datetime({ offset: true }).optional() };
const eventFilter = {
  ...period,
  module: z.enum(s.modules).optional(),
  kind: z.enum(s.entityKinds).optional(),
  entity: s.id.optional(),
  actor: z.string().max(200).optional(),
  type: z.string().max(100).optional(),
};
const jobToken = z.strictObject({ token: z.coerce.number().int() });

export const endpoints = {
  // catalog
  getCatalog: {
    method: "GET",
    path: "/api/catalog",
    module: "catalog",
    action: "read",
    summary: "Everything that can be chosen, with parameter specs",
    response: s.catalogView,
    exchange: exchange("catalog", "training_catalog_req", "training_catalog", "unable_to_fetch_data"),
  },
  getCatalogEntry: {
    method: "GET",
    path: "/api/catalog/{kind}/{id}",
    module: "catalog",
    action: "read",
    summary: "One entry of the catalog",
    params: z.object({ kind: z.string().max(50), id: z.string().max(200) }),
    response: s.catalogEntry,
    exchange: exchange("catalog", "training_catalog_req", "training_catalog", "unable_to_fetch_data"),
  },

  // datasets
  listDatasets: {
    method: "GET",
    path: "/api/datasets",
    module: "datasets",
    action: "read",
    summary: "Registered datasets, newest first",
    query: z.strictObject(page),
    response: list(s.dataset),
  },
  getDataset: {
    method: "GET",
    path: "/api/datasets/{id}",
    module: "datasets",
    action: "read",
    summary: "One registered dataset, by id, name (its newest version) or name@version",
    params: byId,
    response: s.dataset,
  },
  uploadBlob: {
    method: "PUT",
    path: "/api/uploads/{sha256}",
    module: "artifacts",
    action: "write",
    summary: "Upload the content of a file, named by its digest",
    params: z.object({ sha256: s.sha256 }),
    upload: true,
    response: s.stored,
  },
  registerDataset: {
    method: "POST",
    path: "/api/datasets",
    module: "datasets",
    action: "write",
    summary: "Register uploaded files as a dataset; a worker then reads them",
    body: s.registerDataset,
    response: s.dataset,
    status: 201,
    creates: true,
  },
  deleteDataset: {
    method: "DELETE",
    path: "/api/datasets/{id}",
    module: "datasets",
    action: "write",
    summary: "Forget a dataset; a purge then frees its files unless a run or an experiment needs them",
    params: byId,
    status: 204,
  },

  // training
  checkTraining: {
    method: "POST",
    path: "/api/training/check",
    module: "training",
    action: "read",
    summary: "Check a request and fill in its defaults, without training",
    body: s.runRequest,
    response: z.object({ settings: s.runSettings, source: s.source.optional(), task: z.enum(["classification", "regression"]) }),
    exchange: exchange("training", "training_req", "req_accepted", "bad_request"),
  },
  createRun: {
    method: "POST",
    path: "/api/runs",
    module: "training",
    action: "write",
    summary: "Train: create a run and queue it, or keep it as a draft",
    body: s.runRequest,
    response: s.run,
    status: 201,
    creates: true,
    exchange: exchange("training", "training_req", "req_accepted", "bad_request"),
  },
  startRun: {
    method: "POST",
    path: "/api/runs/{id}/start",
    module: "training",
    action: "write",
    summary: "Queue a draft",
    params: byId,
    response: s.run,
    exchange: exchange("training", "training_req", "req_accepted", "bad_request"),
  },
  stopRun: {
    method: "POST",
    path: "/api/runs/{id}/stop",
    module: "training",
    action: "write",
    summary: "Stop a run; it writes a checkpoint and can be resumed",
    params: byId,
    response: s.run,
    exchange: ofRuns("update_run", "train_data_record"),
  },
  resumeRun: {
    method: "POST",
    path: "/api/runs/{id}/resume",
    module: "training",
    action: "write",
    summary: "Go on with a stopped or failed run, or train a finished one for more epochs",
    params: byId,
    body: z.strictObject({ epochs: z.int().min(1).optional() }),
    response: s.run,
    exchange: ofRuns("update_run", "train_data_record"),
  },
  duplicateRun: {
    method: "POST",
    path: "/api/runs/{id}/duplicate",
    module: "training",
    action: "write",
    summary: "Train again with these settings, as a new run",
    params: byId,
    body: z.strictObject({ draft: z.boolean().optional(), name: s.runEdit.shape.name }),
    response: s.run,
    status: 201,
    creates: true,
    exchange: exchange("training", "training_req", "req_accepted", "run_not_exists"),
  },

  // runs
  listRuns: {
    method: "GET",
    path: "/api/runs",
    module: "runs",
    action: "read",
    summary: "Runs, newest first unless sorted otherwise",
    query: z.strictObject({
      ...page,
      filter: many.meta({
        description:
          "Conditions that must all hold: state=succeeded, model!=mlp, name~mnist, createdAt>=2026-01-01, tags.team=vision, training.epochs>3, optimizer.params.learningRate<0.01, metrics.accuracy>0.9, metrics.validation_loss:min<0.1.",
      }),
      sort: z
        .string()
        .max(300)
        .optional()
        .meta({ description: "A field as in filter, with - before it for descending order: -metrics.test_accuracy." }),
      metrics: many.meta({ description: "Metrics to return as columns: test_accuracy, validation_loss:min." }),
      trash: flag.meta({ description: "true: runs in the trash instead." }),
      archived: flag.meta({ description: "true: runs that were archived as experiments instead." }),
    }),
    response: list(s.runSummary),
    exchange: exchange("runs", "query_record", "train_data_record", "unable_to_fetch_data"),
  },
  compareRuns: {
    method: "GET",
    path: "/api/runs/compare",
    module: "runs",
    action: "read",
    summary: "Where runs differ in settings, and their metrics beside each other",
    query: z.strictObject({ id: z.preprocess((v) => (v === undefined || Array.isArray(v) ? v : [v]), z.array(s.id).min(2).max(100)) }),
    response: s.comparison,
    exchange: ofRuns("query_record", "train_data_record"),
  },
  getRun: {
    method: "GET",
    path: "/api/runs/{id}",
    module: "runs",
    action: "read",
    summary: "One run, whole",
    params: byId,
    response: s.run,
    exchange: ofRuns("query_record", "train_data_record"),
  },
  editRun: {
    method: "PATCH",
    path: "/api/runs/{id}",
    module: "runs",
    action: "write",
    summary: "Rename, note, tag",
    params: byId,
    body: s.runEdit,
    response: s.run,
    exchange: ofRuns("update_run", "train_data_record"),
  },
  deleteRun: {
    method: "DELETE",
    path: "/api/runs/{id}",
    module: "runs",
    action: "write",
    summary: "Move a run to the trash; a purge then reclaims its storage",
    params: byId,
    response: s.run,
    exchange: ofRuns("update_run", "train_data_record"),
  },
  restoreRun: {
    method: "POST",
    path: "/api/runs/{id}/restore",
    module: "runs",
    action: "write",
    summary: "Take a run out of the trash",
    params: byId,
    response: s.run,
    exchange: ofRuns("update_run", "train_data_record"),
  },
  getMetrics: {
    method: "GET",
    path: "/api/runs/{id}/metrics",
    module: "runs",
    action: "read",
    summary: "Metric series for charts, thinned by the server",
    params: byId,
    query: z.strictObject({
      series: many,
      points: z.coerce.number().int().min(2).max(20_000).default(500),
      from: z.coerce.number().int().min(0).optional(),
      to: z.coerce.number().int().min(0).optional(),
    }),
    response: z.object({ series: z.array(s.series) }),
    exchange: ofRuns("query_record", "train_data_record"),
  },
  followRun: {
    method: "GET",
    path: "/api/runs/{id}/live",
    module: "runs",
    action: "read",
    summary: "State, progress and metrics as they come (server-sent events, at most 4 a second); goes on after Last-Event-ID",
    params: byId,
    content: "events",
    exchange: ofRuns("query_record", "train_data_record"),
  },

  // artifacts
  listArtifacts: {
    method: "GET",
    path: "/api/runs/{id}/artifacts",
    module: "artifacts",
    action: "read",
    summary: "Files of a run",
    params: byId,
    response: z.object({ items: z.array(s.artifact) }),
  },
  getArtifact: {
    method: "GET",
    path: "/api/runs/{id}/artifacts/{name}",
    module: "artifacts",
    action: "read",
    summary: "Download a file of a run",
    params: byName,
    content: "stream",
  },

  // evaluation and prediction
  evaluateRun: {
    method: "POST",
    path: "/api/runs/{id}/evaluation",
    module: "evaluation",
    action: "write",
    summary: "Evaluate a finished run on its test split",
    params: byId,
    body: z.strictObject({ metrics: z.array(z.string().max(100)).max(100).optional() }),
    response: s.job,
    status: 202,
    creates: true,
    exchange: exchange("evaluation", "query_record", "eval_dto", "run_not_exists"),
  },
  getEvaluation: {
    method: "GET",
    path: "/api/runs/{id}/evaluation",
    module: "evaluation",
    action: "read",
    summary: "The evaluation of a run",
    params: byId,
    response: s.evaluation,
    exchange: exchange("evaluation", "query_record", "eval_dto", "run_not_exists"),
  },
  predictWithRun: {
    method: "POST",
    path: "/api/runs/{id}/predict",
    module: "evaluation",
    action: "read",
    summary: "Predict one picture or a few rows with a finished run",
    params: byId,
    body: s.predictRequest,
    response: z.object({ predictions: z.array(s.prediction) }),
    exchange: exchange("evaluation", "query_record", "eval_dto", "run_not_exists"),
  },
  predictWithExperiment: {
    method: "POST",
    path: "/api/experiments/{id}/predict",
    module: "evaluation",
    action: "read",
    summary: "Predict one picture or a few rows with an experiment",
    params: byId,
    body: s.predictRequest,
    response: z.object({ predictions: z.array(s.prediction) }),
    exchange: exchange("evaluation", "query_record", "eval_dto", "run_not_exists"),
  },

  // experiments
  archiveRun: {
    method: "POST",
    path: "/api/runs/{id}/archive",
    module: "experiments",
    action: "write",
    summary: "Archive a finished run as an experiment, for good",
    params: byId,
    response: s.experiment,
    status: 201,
    creates: true,
    exchange: exchange("experiments", "archive_data", "save_run", "run_not_exists"),
  },
  listExperiments: {
    method: "GET",
    path: "/api/experiments",
    module: "experiments",
    action: "read",
    summary: "Experiments, newest first",
    query: z.strictObject(page),
    response: list(s.experiment),
    exchange: exchange("experiments", "view_experiments", "storage_summary", "unable_to_fetch_data"),
  },
  getExperiment: {
    method: "GET",
    path: "/api/experiments/{id}",
    module: "experiments",
    action: "read",
    summary: "One experiment",
    params: byId,
    response: s.experiment,
    exchange: exchange("experiments", "view_experiments", "storage_summary", "unable_to_fetch_data"),
  },
  getManifest: {
    method: "GET",
    path: "/api/experiments/{id}/manifest",
    module: "experiments",
    action: "read",
    summary: "The manifest, byte for byte: its SHA-256 is the experiment's hash",
    params: byId,
    content: "stream",
  },
  getExperimentFile: {
    method: "GET",
    path: "/api/experiments/{id}/artifacts/{name}",
    module: "experiments",
    action: "read",
    summary: "Download a file of an experiment",
    params: byName,
    content: "stream",
  },
  reproduceExperiment: {
    method: "POST",
    path: "/api/experiments/{id}/reproduce",
    module: "experiments",
    action: "write",
    summary: "Train again from the manifest and compare the bits",
    params: byId,
    response: s.run,
    status: 201,
    creates: true,
    exchange: exchange("experiments", "training_req", "req_accepted", "unable_to_fetch_data"),
  },

  // events
  listEvents: {
    method: "GET",
    path: "/api/events",
    module: "events",
    action: "read",
    summary: "Events, newest first",
    query: z.strictObject({ ...page, ...eventFilter }),
    response: list(s.event),
  },
  exportEvents: {
    method: "GET",
    path: "/api/events/export",
    module: "events",
    action: "read",
    summary: "Events, oldest first, as JSON lines of CloudEvents 1.0",
    query: z.strictObject(eventFilter),
    content: "jsonl",
  },
  rewind: {
    method: "GET",
    path: "/api/events/rewind/{kind}/{id}",
    module: "events",
    action: "read",
    summary: "What an entity was at a time",
    params: z.object({ kind: z.enum(s.entityKinds), id: s.id }),
    query: z.strictObject({ at: z.iso.datetime({ offset: true }).optional() }),
    response: z.object({ version: z.int(), at: z.iso.datetime(), state: z.record(z.string(), z.unknown()) }),
  },
  listMessages: {
    method: "GET",
    path: "/api/messages",
    module: "events",
    action: "read",
    summary: "Message records, newest first",
    query: z.strictObject({
      ...page,
      ...period,
      aggregator: z.string().max(50).optional(),
      source: z.string().max(100).optional(),
      destination: z.string().max(100).optional(),
      payload: z.string().max(100).optional(),
      correlation: z.string().max(200).optional(),
    }),
    response: list(s.message),
  },
  countMessages: {
    method: "GET",
    path: "/api/messages/graph",
    module: "events",
    action: "read",
    summary: "Who talks to whom, and how often",
    query: z.strictObject(period),
    response: z.object({ items: z.array(s.exchangeCount) }),
  },

  // admin
  listJobs: {
    method: "GET",
    path: "/api/admin/jobs",
    module: "jobs",
    action: "admin",
    summary: "Jobs, newest first",
    query: z.strictObject({ ...page, state: z.enum(s.jobStates).optional(), kind: z.enum(s.jobKinds).optional() }),
    response: list(s.job),
  },
  getJob: { method: "GET", path: "/api/jobs/{id}", module: "jobs", action: "read", summary: "One job", params: byId, response: s.job },
  requeueJob: {
    method: "POST",
    path: "/api/admin/jobs/{id}/requeue",
    module: "jobs",
    action: "admin",
    summary: "Try a dead job again",
    params: byId,
    response: s.job,
  },
  listWorkers: {
    method: "GET",
    path: "/api/admin/workers",
    module: "jobs",
    action: "admin",
    summary: "Workers seen in the last day",
    response: z.object({ items: z.array(s.workerInfo) }),
  },
  getStorage: {
    method: "GET",
    path: "/api/admin/storage",
    module: "admin",
    action: "admin",
    summary: "Storage in use, and what a purge would free",
    response: s.storageUse,
    exchange: exchange("experiments", "view_experiments", "storage_summary", "unable_to_fetch_data"),
  },
  purge: {
    method: "POST",
    path: "/api/admin/purge",
    module: "admin",
    action: "admin",
    summary: "Delete what is in the trash, for good, and free its storage",
    response: s.purged,
  },
  verify: {
    method: "POST",
    path: "/api/admin/verify",
    module: "admin",
    action: "admin",
    summary: "Rebuild every table from the events and report differences",
    response: s.verification,
  },

  // workers
  claimJob: {
    method: "POST",
    path: "/api/worker/claim",
    module: "jobs",
    action: "work",
    summary: "Wait for a job and lease it",
    body: s.claimRequest,
    response: s.claimResponse,
  },
  heartbeat: {
    method: "POST",
    path: "/api/worker/jobs/{id}/heartbeat",
    module: "jobs",
    action: "work",
    summary: "Renew the lease; the answer says whether to stop",
    params: byId,
    body: s.heartbeatRequest,
    response: s.heartbeatResponse,
  },
  report: {
    method: "POST",
    path: "/api/worker/jobs/{id}/report",
    module: "jobs",
    action: "work",
    summary: "Facts, progress, metric points, files",
    params: byId,
    body: s.reportRequest,
    response: s.heartbeatResponse,
  },
  putJobBlob: {
    method: "PUT",
    path: "/api/worker/jobs/{id}/blobs/{sha256}",
    module: "artifacts",
    action: "work",
    summary: "Upload a file of a job",
    params: z.object({ id: s.id, sha256: s.sha256 }),
    query: jobToken,
    upload: true,
    response: s.stored,
  },
  getJobBlob: {
    method: "GET",
    path: "/api/worker/jobs/{id}/blobs/{sha256}",
    module: "artifacts",
    action: "work",
    summary: "Download a file that a job needs",
    params: z.object({ id: s.id, sha256: s.sha256 }),
    query: jobToken,
    content: "stream",
  },
  finishJob: {
    method: "POST",
    path: "/api/worker/jobs/{id}/finish",
    module: "jobs",
    action: "work",
    summary: "End a job; saying it twice changes nothing",
    params: byId,
    body: s.finishRequest,
    status: 204,
  },

  // health
  live: {
    method: "GET",
    path: "/health/live",
    module: "health",
    action: "open",
    summary: "Is the process there?",
    response: z.object({ live: z.literal(true) }),
  },
  ready: {
    method: "GET",
    path: "/health/ready",
    module: "health",
    action: "open",
    summary: "Do database and store answer?",
    response: z.object({ ready: z.literal(true) }),
  },
  metrics: { method: "GET", path: "/metrics", module: "health", action: "read", summary: "Prometheus metrics", content: "text" },
} as const satisfies Record<string, Endpoint>;

export type OperationId = keyof typeof endpoints;

type Of<O extends OperationId> = (typeof endpoints)[O];
type Output<S> = S extends z.ZodType ? z.output<S> : unknown;
type Input<S> = S extends z.ZodType ? z.input<S> : undefined;
type Field<O extends OperationId, F extends string> = F extends keyof Of<O> ? Of<O>[F] : undefined;

/** What a handler gets, after validation. */
export interface Incoming<O extends OperationId> {
  readonly params: Output<Field<O, "params">>;
  readonly query: Output<Field<O, "query">>;
  readonly body: Output<Field<O, "body">>;
}
/** What comes back as JSON; nothing where there is no schema. */
export type Outgoing<O extends OperationId> = Field<O, "response"> extends z.ZodType ? z.output<Field<O, "response">> : undefined;

type Part<K extends string, V> = V extends undefined
  ? unknown
  : Record<never, never> extends V
    ? { readonly [P in K]?: V }
    : { readonly [P in K]: V };
/** What a caller gives. */
export type Call<O extends OperationId> = object &
  Part<"params", Input<Field<O, "params">>> &
  Part<"query", Input<Field<O, "query">>> &
  Part<"body", Input<Field<O, "body">>>;
