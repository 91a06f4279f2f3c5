/**
 * Every route of the server, once. The server binds a handler to each, OpenAPI and the client derive from it,
 * the one gate reads `action`, and the message log reads `exchange`.
 */
import { z } from "zod";
import * as s from "./schemas.ts";

/**
 * What a request wants to do; `server/gate.ts` decides who may. `open` is for anyone, also for who has not said who they are:
 * these are the public routes. `self` is for people, about their own account; `work` for workers.
 */
export type Action = "open" | "self" | "read" | "serve" | "train" | "manage" | "monitor" | "work";

/**
 * What kind of thing it wants to do that to. One with an id in the path belongs to a project; `project` is what lies in one,
 * or in all that one may see; `entity` is of the kind that the path names.
 */
export type ThingKind = "server" | "catalog" | "account" | "queue" | "project" | "member" | "entity" | (typeof s.thingKinds)[number];

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
  readonly on: ThingKind;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  /** A JSON body. */
  readonly body?: z.ZodType;
  /** A body of raw bytes instead. */
  readonly upload?: boolean;
  readonly response?: z.ZodType;
  /** What comes back instead of JSON. */
  readonly content?: "stream" | "events" | "text" | "jsonl" | "page" | "redirect";
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
const inProject = {
  project: s.projectRef.optional().meta({ description: "A project, by id or name. Without it: of lists all that one may see, else the usual one." }),
};
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
    on: "catalog",
    summary: "Everything that can be chosen, with parameter specs",
    response: s.catalogView,
    exchange: exchange("catalog", "training_catalog_req", "training_catalog", "unable_to_fetch_data"),
  },
  getCatalogEntry: {
    method: "GET",
    path: "/api/catalog/{kind}/{id}",
    module: "catalog",
    action: "read",
    on: "catalog",
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
    on: "project",
    summary: "Registered datasets, newest first",
    query: z.strictObject({ ...page, ...inProject }),
    response: list(s.dataset),
  },
  getDataset: {
    method: "GET",
    path: "/api/datasets/{id}",
    module: "datasets",
    action: "read",
    on: "dataset",
    summary: "One registered dataset, by id, name (its newest version) or name@version",
    params: z.object({ id: s.datasetRef }),
    query: z.strictObject(inProject),
    response: s.dataset,
  },
  uploadBlob: {
    method: "PUT",
    path: "/api/uploads/{sha256}",
    module: "artifacts",
    action: "train",
    on: "project",
    summary: "Upload the content of a file, named by its digest",
    params: z.object({ sha256: s.sha256 }),
    query: z.strictObject(inProject),
    upload: true,
    response: s.stored,
  },
  registerDataset: {
    method: "POST",
    path: "/api/datasets",
    module: "datasets",
    action: "train",
    on: "project",
    summary: "Register uploaded files as a dataset; a worker then reads them",
    query: z.strictObject(inProject),
    body: s.registerDataset,
    response: s.dataset,
    status: 201,
    creates: true,
  },
  deleteDataset: {
    method: "DELETE",
    path: "/api/datasets/{id}",
    module: "datasets",
    action: "train",
    on: "dataset",
    summary: "Forget a dataset; a purge then frees its files unless a run or an experiment needs them",
    params: z.object({ id: s.datasetRef }),
    query: z.strictObject(inProject),
    status: 204,
  },

  // training
  checkTraining: {
    method: "POST",
    path: "/api/training/check",
    module: "training",
    action: "read",
    on: "project",
    summary: "Check a request and fill in its defaults, without training",
    query: z.strictObject(inProject),
    body: s.runRequest,
    response: z.object({ settings: s.runSettings, source: s.source.optional(), task: z.enum(["classification", "regression"]) }),
    exchange: exchange("training", "training_req", "req_accepted", "bad_request"),
  },
  createRun: {
    method: "POST",
    path: "/api/runs",
    module: "training",
    action: "train",
    on: "project",
    summary: "Train: create a run and queue it, or keep it as a draft",
    query: z.strictObject(inProject),
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
    action: "train",
    on: "run",
    summary: "Queue a draft",
    params: byId,
    response: s.run,
    exchange: exchange("training", "training_req", "req_accepted", "bad_request"),
  },
  stopRun: {
    method: "POST",
    path: "/api/runs/{id}/stop",
    module: "training",
    action: "train",
    on: "run",
    summary: "Stop a run; it writes a checkpoint and can be resumed",
    params: byId,
    response: s.run,
    exchange: ofRuns("update_run", "train_data_record"),
  },
  resumeRun: {
    method: "POST",
    path: "/api/runs/{id}/resume",
    module: "training",
    action: "train",
    on: "run",
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
    action: "train",
    on: "run",
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
    on: "project",
    summary: "Runs, newest first unless sorted otherwise",
    query: z.strictObject({
      ...page,
      ...inProject,
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
    on: "run",
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
    on: "run",
    summary: "One run, whole",
    params: byId,
    response: s.run,
    exchange: ofRuns("query_record", "train_data_record"),
  },
  editRun: {
    method: "PATCH",
    path: "/api/runs/{id}",
    module: "runs",
    action: "train",
    on: "run",
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
    action: "train",
    on: "run",
    summary: "Move a run to the trash; a purge then reclaims its storage",
    params: byId,
    response: s.run,
    exchange: ofRuns("update_run", "train_data_record"),
  },
  restoreRun: {
    method: "POST",
    path: "/api/runs/{id}/restore",
    module: "runs",
    action: "train",
    on: "run",
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
    on: "run",
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
    on: "run",
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
    on: "run",
    summary: "Files of a run",
    params: byId,
    response: z.object({ items: z.array(s.artifact) }),
  },
  getArtifact: {
    method: "GET",
    path: "/api/runs/{id}/artifacts/{name}",
    module: "artifacts",
    action: "read",
    on: "run",
    summary: "Download a file of a run",
    params: byName,
    content: "stream",
  },

  // evaluation and prediction
  evaluateRun: {
    method: "POST",
    path: "/api/runs/{id}/evaluation",
    module: "evaluation",
    action: "train",
    on: "run",
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
    on: "run",
    summary: "The evaluation of a run",
    params: byId,
    response: s.evaluation,
    exchange: exchange("evaluation", "query_record", "eval_dto", "run_not_exists"),
  },
  predictWithRun: {
    method: "POST",
    path: "/api/runs/{id}/predict",
    module: "evaluation",
    action: "serve",
    on: "run",
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
    action: "serve",
    on: "experiment",
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
    action: "train",
    on: "run",
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
    on: "project",
    summary: "Experiments, newest first",
    query: z.strictObject({ ...page, ...inProject }),
    response: list(s.experiment),
    exchange: exchange("experiments", "view_experiments", "storage_summary", "unable_to_fetch_data"),
  },
  getExperiment: {
    method: "GET",
    path: "/api/experiments/{id}",
    module: "experiments",
    action: "read",
    on: "experiment",
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
    on: "experiment",
    summary: "The manifest, byte for byte: its SHA-256 is the experiment's hash",
    params: byId,
    content: "stream",
  },
  getExperimentFile: {
    method: "GET",
    path: "/api/experiments/{id}/artifacts/{name}",
    module: "experiments",
    action: "read",
    on: "experiment",
    summary: "Download a file of an experiment",
    params: byName,
    content: "stream",
  },
  reproduceExperiment: {
    method: "POST",
    path: "/api/experiments/{id}/reproduce",
    module: "experiments",
    action: "train",
    on: "experiment",
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
    on: "project",
    summary: "Events, newest first",
    query: z.strictObject({ ...page, ...inProject, ...eventFilter }),
    response: list(s.event),
  },
  exportEvents: {
    method: "GET",
    path: "/api/events/export",
    module: "events",
    action: "read",
    on: "project",
    summary: "Events, oldest first, as JSON lines of CloudEvents 1.0",
    query: z.strictObject({ ...inProject, ...eventFilter }),
    content: "jsonl",
  },
  rewind: {
    method: "GET",
    path: "/api/events/rewind/{kind}/{id}",
    module: "events",
    action: "read",
    on: "entity",
    summary: "What an entity was at a time",
    params: z.object({ kind: z.enum(s.entityKinds), id: s.id }),
    query: z.strictObject({ at: z.iso.datetime({ offset: true }).optional() }),
    response: z.object({ version: z.int(), at: z.iso.datetime(), state: s.recorded }),
  },
  listMessages: {
    method: "GET",
    path: "/api/messages",
    module: "events",
    action: "manage",
    on: "server",
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
    action: "manage",
    on: "server",
    summary: "Who talks to whom, and how often",
    query: z.strictObject(period),
    response: z.object({ items: z.array(s.exchangeCount) }),
  },

  // signing in
  login: {
    method: "POST",
    path: "/api/login",
    module: "accounts",
    action: "open",
    on: "server",
    summary: "Sign in with name and password: a cookie for browsers, or a token for programs",
    body: z.strictObject({
      name: z.string().min(1).max(200),
      password: z.string().min(1).max(1000),
      token: z.boolean().optional().meta({ description: "true: answer with a token instead of setting a cookie." }),
    }),
    response: s.signedIn,
  },
  lookAtLink: {
    method: "POST",
    path: "/api/links/look",
    module: "accounts",
    action: "open",
    on: "server",
    summary: "What a set-up, invitation or reset link is for",
    body: z.strictObject({ link: s.secretText }),
    response: s.linkView,
  },
  useLink: {
    method: "POST",
    path: "/api/links/use",
    module: "accounts",
    action: "open",
    on: "server",
    summary: "Use a link, once: create the account it is for, or set its password; then signed in",
    body: z.strictObject({
      link: s.secretText,
      name: s.userName.optional().meta({ description: "Of the new account; not of a reset." }),
      password: s.password,
      token: z.boolean().optional(),
    }),
    response: s.signedIn,
  },
  startOidc: {
    method: "GET",
    path: "/api/oidc/start",
    module: "accounts",
    action: "open",
    on: "server",
    summary: "Sign in at the OpenID Connect provider of this server",
    content: "redirect",
    status: 302,
  },
  endOidc: {
    method: "GET",
    path: "/api/oidc/callback",
    module: "accounts",
    action: "open",
    on: "server",
    summary: "Where the provider sends people back to",
    query: z.looseObject({ code: z.string().max(4000).optional(), state: z.string().max(4000).optional(), error: z.string().max(500).optional() }),
    content: "page",
  },
  logout: {
    method: "POST",
    path: "/api/logout",
    module: "accounts",
    action: "self",
    on: "account",
    summary: "Sign out, here or everywhere",
    body: z.strictObject({ everywhere: z.boolean().optional() }),
    status: 204,
  },
  whoAmI: {
    method: "GET",
    path: "/api/me",
    module: "accounts",
    action: "read",
    on: "catalog",
    summary: "Who asks, and what they may do where",
    response: s.me,
  },
  changePassword: {
    method: "POST",
    path: "/api/me/password",
    module: "accounts",
    action: "self",
    on: "account",
    summary: "Change one's own password; every other session ends",
    body: z.strictObject({ current: z.string().min(1).max(1000), password: s.password }),
    status: 204,
  },

  // users and tokens
  listUsers: {
    method: "GET",
    path: "/api/users",
    module: "accounts",
    action: "manage",
    on: "server",
    summary: "Everyone who has an account",
    response: z.object({ items: z.array(s.user) }),
  },
  inviteUser: {
    method: "POST",
    path: "/api/users",
    module: "accounts",
    action: "manage",
    on: "server",
    summary: "Make a link by which someone creates an account, once and within a week",
    body: z.strictObject({ role: z.enum(s.roles), project: s.projectRef.optional(), name: s.userName.optional() }),
    response: s.secretLink,
    status: 201,
  },
  editUser: {
    method: "PATCH",
    path: "/api/users/{id}",
    module: "accounts",
    action: "manage",
    on: "server",
    summary: "Change a role, or close and reopen an account",
    params: z.object({ id: s.userRef }),
    body: z.strictObject({ role: z.enum(s.roles).optional(), disabled: z.boolean().optional() }),
    response: s.user,
  },
  resetPassword: {
    method: "POST",
    path: "/api/users/{id}/reset",
    module: "accounts",
    action: "manage",
    on: "server",
    summary: "Make a link by which someone sets a new password, once and within a day",
    params: z.object({ id: s.userRef }),
    response: s.secretLink,
    status: 201,
  },
  listTokens: {
    method: "GET",
    path: "/api/tokens",
    module: "accounts",
    action: "self",
    on: "account",
    summary: "One's own API tokens; of an administrator everyone's",
    response: z.object({ items: z.array(s.token) }),
  },
  createToken: {
    method: "POST",
    path: "/api/tokens",
    module: "accounts",
    action: "self",
    on: "account",
    summary: "Make an API token; it is shown this once",
    body: z.strictObject({
      name: s.tokenName,
      scope: z.enum(s.scopes),
      project: s.projectRef.optional().meta({ description: "The one project it opens; without it all of its owner's." }),
      days: z.int().min(1).max(3650).default(90).meta({ description: "Until it expires." }),
    }),
    response: s.newToken,
    status: 201,
  },
  revokeToken: {
    method: "DELETE",
    path: "/api/tokens/{id}",
    module: "accounts",
    action: "self",
    on: "account",
    summary: "Revoke a token at once",
    params: byId,
    status: 204,
  },

  // projects
  listProjects: {
    method: "GET",
    path: "/api/projects",
    module: "projects",
    action: "read",
    on: "catalog",
    summary: "The projects that one may see",
    response: z.object({ items: z.array(s.project) }),
  },
  createProject: {
    method: "POST",
    path: "/api/projects",
    module: "projects",
    action: "train",
    on: "catalog",
    summary: "Make a project, whose administrator one is",
    body: z.strictObject({ name: s.projectName }),
    response: s.project,
    status: 201,
  },
  getProject: {
    method: "GET",
    path: "/api/projects/{id}",
    module: "projects",
    action: "read",
    on: "member",
    summary: "A project and its members",
    params: z.object({ id: s.projectRef }),
    response: s.project,
  },
  editProject: {
    method: "PATCH",
    path: "/api/projects/{id}",
    module: "projects",
    action: "manage",
    on: "member",
    summary: "Rename a project",
    params: z.object({ id: s.projectRef }),
    body: z.strictObject({ name: s.projectName }),
    response: s.project,
  },
  setMember: {
    method: "PUT",
    path: "/api/projects/{id}/members/{user}",
    module: "projects",
    action: "manage",
    on: "member",
    summary: "Make someone a member of a project, or change their role in it",
    params: z.object({ id: s.projectRef, user: s.userRef }),
    body: z.strictObject({ role: z.enum(s.roles) }),
    response: s.project,
  },
  removeMember: {
    method: "DELETE",
    path: "/api/projects/{id}/members/{user}",
    module: "projects",
    action: "manage",
    on: "member",
    summary: "Take someone out of a project",
    params: z.object({ id: s.projectRef, user: s.userRef }),
    response: s.project,
  },

  // sharing
  shareRun: {
    method: "POST",
    path: "/api/runs/{id}/shares",
    module: "projects",
    action: "train",
    on: "run",
    summary: "Share a run by a link, to be read only",
    params: byId,
    body: z.strictObject({ days: z.int().min(1).max(365).default(30) }),
    response: s.newShare,
    status: 201,
  },
  shareExperiment: {
    method: "POST",
    path: "/api/experiments/{id}/shares",
    module: "projects",
    action: "train",
    on: "experiment",
    summary: "Share an experiment by a link, to be read only",
    params: byId,
    body: z.strictObject({ days: z.int().min(1).max(365).default(30) }),
    response: s.newShare,
    status: 201,
  },
  lookAtShare: {
    method: "POST",
    path: "/api/shares/look",
    module: "projects",
    action: "open",
    on: "server",
    summary: "What a link shares; its secret then is the token that reads it",
    body: z.strictObject({ share: s.secretText }),
    response: s.sharedThing,
  },
  listShares: {
    method: "GET",
    path: "/api/shares",
    module: "projects",
    action: "read",
    on: "project",
    summary: "What is shared by links",
    query: z.strictObject(inProject),
    response: z.object({ items: z.array(s.share) }),
  },
  revokeShare: {
    method: "DELETE",
    path: "/api/shares/{id}",
    module: "projects",
    action: "train",
    on: "share",
    summary: "End a link at once",
    params: byId,
    status: 204,
  },

  // download links
  linkToArtifact: {
    method: "POST",
    path: "/api/runs/{id}/artifacts/{name}/link",
    module: "artifacts",
    action: "read",
    on: "run",
    summary: "A link that downloads this one file, for some minutes, without signing in",
    params: byName,
    response: s.downloadLink,
    status: 201,
  },
  linkToExperimentFile: {
    method: "POST",
    path: "/api/experiments/{id}/artifacts/{name}/link",
    module: "experiments",
    action: "read",
    on: "experiment",
    summary: "A link that downloads this one file, for some minutes, without signing in",
    params: byName,
    response: s.downloadLink,
    status: 201,
  },
  download: {
    method: "GET",
    path: "/api/download/{ticket}",
    module: "artifacts",
    action: "open",
    on: "server",
    summary: "The file that a download link is for",
    params: z.object({ ticket: z.string().min(1).max(4000) }),
    content: "stream",
  },
  getKeys: {
    method: "GET",
    path: "/.well-known/jwks.json",
    module: "artifacts",
    action: "open",
    on: "server",
    summary: "The public keys by which a gateway verifies download links",
    response: z.object({ keys: z.array(z.record(z.string(), z.unknown())) }),
  },

  // admin
  rotateKeys: {
    method: "POST",
    path: "/api/admin/keys/rotate",
    module: "admin",
    action: "manage",
    on: "server",
    summary: "Make new keys for ids and links; the old ones open what they sealed for some days more",
    body: z.strictObject({ graceDays: z.number().min(0).max(3650).default(30) }),
    response: z.object({ keys: z.array(s.keyView) }),
  },
  listJobs: {
    method: "GET",
    path: "/api/admin/jobs",
    module: "jobs",
    action: "manage",
    on: "server",
    summary: "Jobs, newest first",
    query: z.strictObject({ ...page, state: z.enum(s.jobStates).optional(), kind: z.enum(s.jobKinds).optional() }),
    response: list(s.job),
  },
  getJob: { method: "GET", path: "/api/jobs/{id}", module: "jobs", action: "read", on: "job", summary: "One job", params: byId, response: s.job },
  requeueJob: {
    method: "POST",
    path: "/api/admin/jobs/{id}/requeue",
    module: "jobs",
    action: "manage",
    on: "server",
    summary: "Try a dead job again",
    params: byId,
    response: s.job,
  },
  listWorkers: {
    method: "GET",
    path: "/api/admin/workers",
    module: "jobs",
    action: "manage",
    on: "server",
    summary: "Workers seen in the last day",
    response: z.object({ items: z.array(s.workerInfo) }),
  },
  getStorage: {
    method: "GET",
    path: "/api/admin/storage",
    module: "admin",
    action: "manage",
    on: "server",
    summary: "Storage in use, and what a purge would free",
    response: s.storageUse,
    exchange: exchange("experiments", "view_experiments", "storage_summary", "unable_to_fetch_data"),
  },
  purge: {
    method: "POST",
    path: "/api/admin/purge",
    module: "admin",
    action: "manage",
    on: "server",
    summary: "Delete what is in the trash, for good, and free its storage",
    response: s.purged,
  },
  verify: {
    method: "POST",
    path: "/api/admin/verify",
    module: "admin",
    action: "manage",
    on: "server",
    summary: "Rebuild every table from the events and report differences",
    response: s.verification,
  },

  // workers
  claimJob: {
    method: "POST",
    path: "/api/worker/claim",
    module: "jobs",
    action: "work",
    on: "queue",
    summary: "Wait for a job and lease it",
    body: s.claimRequest,
    response: s.claimResponse,
  },
  heartbeat: {
    method: "POST",
    path: "/api/worker/jobs/{id}/heartbeat",
    module: "jobs",
    action: "work",
    on: "job",
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
    on: "job",
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
    on: "job",
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
    on: "job",
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
    on: "job",
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
    on: "server",
    summary: "Is the process there?",
    response: z.object({ live: z.literal(true) }),
  },
  ready: {
    method: "GET",
    path: "/health/ready",
    module: "health",
    action: "open",
    on: "server",
    summary: "Do database and store answer?",
    response: z.object({ ready: z.literal(true) }),
  },
  metrics: { method: "GET", path: "/metrics", module: "health", action: "monitor", on: "server", summary: "Prometheus metrics", content: "text" },
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
