/** How the tables came to be. A migration that was released is never changed: add another. Plain SQL that PostgreSQL 14 knows. */
import type { Migrations } from "./database/index.ts";
import { DEFAULT_PROJECT } from "./ids.ts";

/** Tables that only grow, or rows that never change, are held so by the database itself. */
const refuse = `create function refuse_change() returns trigger language plpgsql as $$
  begin raise exception '% of % is refused: it never changes', tg_op, tg_table_name using errcode = 'restrict_violation'; end $$`;

export const migrations: Migrations = {
  "001-platform": [
    refuse,
    `create table events (
      seq bigint generated always as identity primary key,
      kind text not null, entity uuid not null, version integer not null,
      type text not null, module text not null, data jsonb not null,
      actor text not null, correlation text not null, causation text,
      at timestamptz not null,
      unique (kind, entity, version))`,
    "create index events_at on events (at)",
    "create index events_module on events (module, seq)",
    "create index events_actor on events (actor, seq)",
    "create index events_type on events (type, seq)",
    "create trigger events_append_only before update or delete on events for each row execute function refuse_change()",
    "create trigger events_no_truncate before truncate on events execute function refuse_change()",

    `create table messages (
      seq bigint generated always as identity primary key,
      aggregator text not null, source text not null, destination text not null,
      direction text not null, mode text not null, payload text not null,
      correlation text not null, at timestamptz not null)`,
    "create index messages_at on messages (at)",
    "create index messages_aggregator on messages (aggregator, seq)",
    "create index messages_correlation on messages (correlation)",
    "create trigger messages_append_only before update or delete on messages for each row execute function refuse_change()",
    "create trigger messages_no_truncate before truncate on messages execute function refuse_change()",

    "create sequence run_numbers",
    `create table runs (
      id uuid primary key, version integer not null, state jsonb not null,
      number bigint not null unique, name text not null, status text not null, task text not null,
      dataset text not null, model text not null, tags jsonb not null,
      created_at timestamptz not null, started_at timestamptz, ended_at timestamptz, trashed_at timestamptz, experiment uuid,
      progress jsonb, metric_seq integer not null default 0) with (fillfactor = 70)`, // room for progress, which no index has to hear of
    // Out of the way of lists, which never read it, and not compressed anew at each change.
    "alter table runs alter column state set storage external",
    "create index runs_listed on runs (number) where trashed_at is null and experiment is null",
    "create index runs_trashed on runs (number) where trashed_at is not null",
    "create index runs_archived on runs (number) where experiment is not null",
    // Each ends in the number, as every order of runs does.
    "create index runs_name on runs (name, number)",
    "create index runs_status on runs (status, number)",
    "create index runs_dataset on runs (dataset, number)",
    "create index runs_model on runs (model, number)",
    "create index runs_created on runs (created_at, number)",
    "create index runs_started on runs (started_at, number)",
    "create index runs_ended on runs (ended_at, number)",
    "create index runs_tags on runs using gin (tags jsonb_path_ops)",

    // Every parameter of a run by its path, so that runs are found and sorted by any of them through an index alone.
    `create table run_params (
      run uuid not null, run_number bigint not null, path text not null, number double precision, text text,
      primary key (run, path))`,
    "create index run_params_number on run_params (path, number, run_number) where number is not null",
    "create index run_params_text on run_params (path, left(text, 200), run_number)",
    // How often a parameter has which value: without these the planner takes the values of all parameters together.
    "create statistics run_params_numbers (mcv) on path, number from run_params",
    "create statistics run_params_texts (mcv) on path, (left(text, 200)) from run_params",

    `create table metric_series (
      run uuid not null, run_number bigint not null, series text not null,
      last double precision, last_step bigint not null, min double precision, min_step bigint not null,
      max double precision, max_step bigint not null, count bigint not null,
      primary key (run, series)) with (fillfactor = 80)`,
    "create index metric_series_last on metric_series (series, last, run_number)",
    "create index metric_series_min on metric_series (series, min, run_number)",
    "create index metric_series_max on metric_series (series, max, run_number)",
    // A row holds the points of one series that came in one report: a row a point would be ten times the size.
    `create table metric_chunks (
      run uuid not null, series text not null, seq integer not null,
      first_step bigint not null, last_step bigint not null,
      steps bigint[] not null, values double precision[] not null,
      primary key (run, series, seq))`,
    "create index metric_chunks_seq on metric_chunks (run, seq)",

    `create table jobs (
      id uuid primary key, version integer not null, state jsonb not null,
      kind text not null, status text not null, subject_kind text not null, subject uuid not null,
      priority integer not null, labels text[] not null, created_at timestamptz not null, ended_at timestamptz,
      token bigint not null default 0, worker uuid, run_at timestamptz not null default now(), lease_until timestamptz,
      stop boolean not null default false, progressed boolean not null default false, report_sequence integer not null default 0) with (fillfactor = 70)`,
    "create index jobs_queue on jobs (priority desc, created_at) where status = 'queued'",
    // Not on the lease, which every heartbeat renews.
    "create index jobs_running on jobs (id) where status = 'running'",
    "create index jobs_created on jobs (created_at desc, id)",
    "create index jobs_subject on jobs (subject)",
    `create table workers (
      id uuid primary key, name text not null, labels text[] not null, slots integer not null,
      version text not null, platform text not null, last_seen_at timestamptz not null)`,

    `create table datasets (
      id uuid primary key, version integer not null, state jsonb not null,
      name text not null, number integer not null, status text not null, created_at timestamptz not null, deleted_at timestamptz,
      unique (name, number))`,
    "create index datasets_created on datasets (created_at desc, id)",

    `create table experiments (
      id uuid primary key, version integer not null, state jsonb not null,
      hash text not null unique, name text not null, run uuid not null unique, created_at timestamptz not null)`,
    "create index experiments_created on experiments (created_at desc, id)",
    "create trigger experiments_immutable before update or delete on experiments for each row execute function refuse_change()",
    "create trigger experiments_no_truncate before truncate on experiments execute function refuse_change()",

    `create table blobs (
      sha256 text primary key, size bigint not null, touched_at timestamptz not null default now(),
      stored boolean not null default false, referred boolean not null default false, deleting boolean not null default false)`,
    `create table blob_refs (
      owner_kind text not null, owner uuid not null, name text not null, sha256 text not null references blobs,
      primary key (owner_kind, owner, name))`,
    "create index blob_refs_sha256 on blob_refs (sha256)",
    `create trigger blob_refs_of_experiments before update or delete on blob_refs
      for each row when (old.owner_kind = 'experiment') execute function refuse_change()`,
    "create trigger blob_refs_no_truncate before truncate on blob_refs execute function refuse_change()",

    "create table settings (key text primary key, value jsonb not null)",
  ],
  // Runs are found and sorted by their tags as they are by their parameters, through an index alone: so no text is longer than it can hold.
  "002-tags": [
    "drop index runs_tags",
    "drop index run_params_text",
    "drop statistics run_params_texts",
    "update run_params set text = left(text, 250) where length(text) > 250",
    `insert into run_params (run, run_number, path, text)
      select runs.id, runs.number, 'tags.' || tag.key, tag.value from runs, jsonb_each_text(runs.tags) tag`,
    "create index run_params_text on run_params (path, text, run_number)",
    "create statistics run_params_texts (mcv) on path, text from run_params",
  ],

  "003-accounts": [
    // What there was before there were projects lies in the first one.
    "alter table events add column project uuid",
    "alter table events disable trigger events_append_only",
    `update events set project = '${DEFAULT_PROJECT}'`,
    "alter table events enable trigger events_append_only",
    "create index events_project on events (project, seq)",
    ...["runs", "datasets", "experiments"].flatMap((table) => [
      `alter table ${table} add column project uuid not null default '${DEFAULT_PROJECT}'`,
      `alter table ${table} alter column project drop default`,
      ...(table === "experiments" ? ["alter table experiments disable trigger experiments_immutable"] : []),
      `update ${table} set state = state || '{"project":"${DEFAULT_PROJECT}"}'`,
      ...(table === "experiments" ? ["alter table experiments enable trigger experiments_immutable"] : []),
    ]),
    `update jobs set state = state || '{"project":"${DEFAULT_PROJECT}"}'`,
    "create index runs_project on runs (project, number)",
    "create index experiments_project on experiments (project, created_at desc, id)",
    "alter table datasets drop constraint datasets_name_number_key",
    "alter table datasets add constraint datasets_name unique (project, name, number)",

    `create table blob_uploads (
      sha256 text not null references blobs on delete cascade, holder uuid not null, primary key (sha256, holder))`,
    // Until now everyone was one person.
    `insert into blob_uploads select sha256, '${DEFAULT_PROJECT}' from blobs`,

    `create table projects (
      id uuid primary key, version integer not null, state jsonb not null,
      name text not null unique, created_at timestamptz not null)`,
    `create table users (
      id uuid primary key, version integer not null, state jsonb not null,
      name text not null unique, role text not null, status text not null, created_at timestamptz not null, password text)`,
    "create unique index users_subject on users ((state -> 'subject' ->> 'issuer'), (state -> 'subject' ->> 'id'))",
    `create table tokens (
      id uuid primary key, version integer not null, state jsonb not null,
      "user" uuid, status text not null, expires_at timestamptz not null, created_at timestamptz not null,
      hash text unique, last_used_at timestamptz)`,
    `create table shares (
      id uuid primary key, version integer not null, state jsonb not null,
      project uuid not null, thing uuid not null, status text not null, expires_at timestamptz not null, created_at timestamptz not null,
      hash text unique)`,
    "create table servers (id uuid primary key, version integer not null, state jsonb not null)",
    `create table sessions (
      hash text primary key, "user" uuid not null, created_at timestamptz not null default now(), expires_at timestamptz not null, address text not null)`,
    'create index sessions_user on sessions ("user")',
    "create index sessions_expiry on sessions (expires_at)",
    `create table links (
      hash text primary key, kind text not null, data jsonb not null, expires_at timestamptz not null, created_at timestamptz not null default now())`,
    "create table attempts (key text primary key, failures integer not null, last_at timestamptz not null)",
    `create table keys (
      id bigint generated always as identity primary key, purpose text not null, secret text not null,
      created_at timestamptz not null default now(), retires_at timestamptz)`,
  ],

  "004-transfers": [
    `create table transfers (
      id uuid primary key, project uuid not null, actor text not null, fingerprint text, size bigint not null,
      received bigint not null default 0, sha256 text, touched_at timestamptz not null default now())`,
    "create index transfers_project on transfers (project)",
    `create table transfer_pieces (
      transfer uuid not null references transfers on delete cascade, start bigint not null, key text not null unique, primary key (transfer, start))`,
  ],

  "005-snapshots": ["alter table datasets add column progress jsonb", `update datasets set state = '{"note":"","snapshot":[]}' || state`],

  // Which runs are to be an experiment again. Of events, which never change: on a run every change would pay for it.
  "006-lineage": [
    `create index events_reproductions on events ((data -> 'reproduces' ->> 'experiment'), seq)
      where kind = 'run' and type = 'created' and data -> 'reproduces' is not null`,
  ],

  // Who trained a run, and all its words: names, tags and note.
  "007-run-words": [
    "alter table runs add column created_by text generated always as (state ->> 'createdBy') stored",
    `alter table runs add column words text generated always as
      (name || chr(10) || dataset || chr(10) || model || chr(10) || replace(tags::text, '": "', '=') || chr(10) || coalesce(state ->> 'note', '')) stored`,
    "create index runs_author on runs (created_by, number)",
  ],

  // What administrators look events and messages up by.
  "008-administration": [
    "create index events_kind on events (kind, seq)",
    "create index events_entity on events (entity, seq)",
    "create index events_correlation on events (correlation, seq)",
    "create index messages_between on messages (source, destination, seq)",
    "create index jobs_ended on jobs (ended_at) where ended_at is not null",
  ],

  "009-run-log": [
    `create table run_log (
      seq bigint generated always as identity primary key, run uuid not null, job uuid not null, token integer not null, number integer not null,
      at timestamptz not null, text text not null, unique (job, token, number))`,
    "create index run_log_run on run_log (run, seq)",
  ],

  // What was made to look at files before they were imported, and is in no snapshot.
  "010-past-previews": [
    `delete from blob_refs r using datasets d
      where r.owner_kind = 'dataset' and r.owner = d.id and r.name = 'snapshot/preview.json' and d.status = 'ready'`,
  ],
};
