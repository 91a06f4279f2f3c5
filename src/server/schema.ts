/** The tables as Kysely sees them. `migrations.ts` makes them; each is written by the one module that owns it. */
import type { ColumnType, Generated, GeneratedAlways } from "kysely";
import type { datasetStates, EntityKind, JobKind, LinkKind, Role, RunStateName } from "../shared/api/schemas.ts";
import type { Task } from "../shared/dataset.ts";

type Json = Record<string, unknown>;
/** Written as text, read as an object. */
type JsonColumn<T = Json> = ColumnType<T, string, string>;

/** What every entity's table begins with: the state folded from its events, and how many there were. */
interface EntityTable {
  id: string;
  version: number;
  state: JsonColumn;
}

export interface Schema {
  events: {
    seq: Generated<number>;
    kind: EntityKind;
    entity: string;
    version: number;
    type: string;
    module: string;
    /** Nothing for what belongs to the platform as a whole. */
    project: string | null;
    data: JsonColumn;
    actor: string;
    correlation: string;
    causation: string | null;
    at: Date;
  };
  messages: {
    seq: Generated<number>;
    aggregator: string;
    source: string;
    destination: string;
    direction: "send" | "receive";
    mode: "sync" | "async";
    payload: string;
    correlation: string;
    at: Date;
  };
  runs: EntityTable & {
    project: string;
    number: number;
    name: string;
    status: RunStateName;
    task: Task;
    dataset: string;
    model: string;
    tags: JsonColumn<Record<string, string>>;
    created_at: Date;
    started_at: Date | null;
    ended_at: Date | null;
    trashed_at: Date | null;
    experiment: string | null;
    // Made by the database from the others.
    created_by: GeneratedAlways<string>;
    words: GeneratedAlways<string>;
    // Not from events: what moves too fast to be one.
    progress: ColumnType<Json | null, string | null, string | null>;
    metric_seq: Generated<number>;
  };
  run_params: {
    run: string;
    run_number: number;
    path: string;
    number: number | null;
    text: string | null;
  };
  metric_series: {
    run: string;
    run_number: number;
    series: string;
    last: number | null;
    last_step: number;
    min: number | null;
    min_step: number;
    max: number | null;
    max_step: number;
    count: number;
  };
  metric_chunks: {
    run: string;
    series: string;
    seq: number;
    first_step: number;
    last_step: number;
    steps: number[];
    values: (number | null)[];
  };
  /** What the jobs of a run said, line by line; `number` counts the lines of a claim, so that none is kept twice. */
  run_log: {
    seq: Generated<number>;
    run: string;
    job: string;
    token: number;
    number: number;
    at: ColumnType<Date, string, never>;
    text: string;
  };
  jobs: EntityTable & {
    kind: JobKind;
    status: "queued" | "running" | "done" | "dead" | "cancelled";
    subject_kind: EntityKind;
    subject: string;
    priority: number;
    labels: string[];
    created_at: Date;
    ended_at: Date | null;
    // Not from events: the lease.
    token: Generated<number>;
    worker: string | null;
    run_at: Generated<Date>;
    lease_until: Date | null;
    stop: Generated<boolean>;
    progressed: Generated<boolean>;
    report_sequence: Generated<number>;
  };
  workers: {
    id: string;
    name: string;
    labels: string[];
    slots: number;
    version: string;
    platform: string;
    last_seen_at: Date;
  };
  datasets: EntityTable & {
    project: string;
    name: string;
    number: number;
    status: (typeof datasetStates)[number];
    created_at: Date;
    deleted_at: Date | null;
    // Not from events: how far the import is.
    progress: ColumnType<unknown, string | null | undefined, string | null>;
  };
  experiments: EntityTable & {
    project: string;
    hash: string;
    name: string;
    run: string;
    created_at: Date;
  };
  blobs: {
    sha256: string;
    size: number;
    /** When it was last uploaded, whether to its end, and whether anything has referred to it since. */
    touched_at: ColumnType<Date, Date | undefined, Date>;
    stored: Generated<boolean>;
    referred: Generated<boolean>;
    deleting: Generated<boolean>;
  };
  blob_refs: {
    owner_kind: EntityKind;
    owner: string;
    name: string;
    sha256: string;
  };
  /** Who brought content: only they may use it under its digest. A project's people, or a job. */
  blob_uploads: {
    sha256: string;
    holder: string;
  };
  /** Uploads in pieces; `sha256` once they are a blob. */
  transfers: {
    id: string;
    project: string;
    actor: string;
    fingerprint: string | null;
    size: number;
    received: Generated<number>;
    sha256: ColumnType<string | null, string | null | undefined, string>;
    touched_at: ColumnType<Date, Date | undefined, Date>;
  };
  transfer_pieces: {
    transfer: string;
    start: number;
    key: string;
  };
  projects: EntityTable & {
    name: string;
    created_at: Date;
  };
  users: EntityTable & {
    name: string;
    role: Role;
    status: "active" | "disabled";
    created_at: Date;
    // Not from events, which everyone who may read the history reads.
    password: ColumnType<string | null, string | null | undefined, string | null>;
  };
  tokens: EntityTable & {
    user: string | null;
    status: "active" | "revoked";
    expires_at: Date;
    created_at: Date;
    // Not from events: the SHA-256 of the secret, and what moves too fast.
    hash: ColumnType<string | null, string | null | undefined, string | null>;
    last_used_at: ColumnType<Date | null, Date | null | undefined, Date | null>;
  };
  shares: EntityTable & {
    project: string;
    thing: string;
    status: "active" | "revoked";
    expires_at: Date;
    created_at: Date;
    hash: ColumnType<string | null, string | null | undefined, string | null>;
  };
  servers: EntityTable;
  sessions: {
    hash: string;
    user: string;
    created_at: Generated<Date>;
    expires_at: Date;
    address: string;
  };
  /** Set-up, invitation and reset links: each works once. */
  links: {
    hash: string;
    kind: LinkKind;
    data: JsonColumn;
    expires_at: Date;
    created_at: Generated<Date>;
  };
  /** How often signing in failed lately. */
  attempts: {
    key: string;
    failures: number;
    last_at: Date;
  };
  keys: {
    id: Generated<number>;
    purpose: string;
    secret: string;
    created_at: Generated<Date>;
    retires_at: ColumnType<Date | null, Date | null | undefined, Date | null>;
  };
  settings: {
    key: string;
    value: JsonColumn<unknown>;
  };
}
