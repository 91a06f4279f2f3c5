/** Which blobs there are and who needs them. A blob is deleted only when nobody does, and in two steps, so that an upload of the same content can't fall between. */
import { sql } from "kysely";
import type { EntityKind } from "../../../shared/api/schemas.ts";
import { fail } from "../../../shared/errors.ts";
import type { Blob, Blobs } from "../../../storage/blobs.ts";
import type { Query, Tx } from "../../entity.ts";
import type { Kernel } from "../../kernel.ts";

/** Whoever marked a blob so long ago and has not deleted it is dead, and will not delete it any more. */
const MARK_SECONDS = 60;
const abandoned = sql<boolean>`blobs.touched_at < now() - make_interval(secs => ${MARK_SECONDS})`;

type Bytes = Parameters<Blobs["put"]>[0];

/**
 * Keeps content under its digest. It is announced first: from then on a purge leaves it alone, for the time of grace or
 * until something refers to it.
 * @param holder who may use it under its digest from then on: a project, or a job
 * @throws STORE_UNAVAILABLE while a purge is deleting the same content, and as `Blobs.put`
 */
export async function keep(
  { db, blobs }: Pick<Kernel, "db" | "blobs">,
  body: Bytes,
  holder: string,
  expect: { sha256: string; size?: number; maxBytes?: number },
): Promise<Blob> {
  const { rows } = await sql`insert into blobs (sha256, size) values (${expect.sha256}, ${expect.size ?? 0})
    on conflict (sha256) do update set touched_at = now(), referred = false, stored = blobs.stored and not blobs.deleting, deleting = false
    where not blobs.deleting or ${abandoned} returning sha256`.execute(db.query);
  if (!rows.length) throw beingDeleted(expect.sha256);
  const blob = await blobs.put(body, expect);
  const there = await sql`with stored as (update blobs set stored = true, size = ${blob.size} where sha256 = ${blob.sha256} returning sha256),
      held as (insert into blob_uploads select sha256, ${holder}::uuid from stored on conflict do nothing)
    select sha256 from stored`.execute(db.query);
  if (!there.rows.length) throw beingDeleted(expect.sha256);
  return blob;
}

const beingDeleted = (sha256: string) =>
  fail("STORE_UNAVAILABLE", { store: "object store", detail: `${sha256.slice(0, 12)} is being deleted at this moment` });

/**
 * Makes an entity need blobs, under names; a name that it had before now means the new one.
 * @param holder who must have brought them, unless the entity has them already: to know a digest is not to have the content
 * @throws NOT_FOUND for a blob that was never uploaded, BLOB_MISMATCH for one of another size
 */
export async function refer(
  tx: Tx,
  owner: { kind: EntityKind; id: string },
  files: readonly { name: string; sha256: string; size?: number }[],
  holder?: string,
): Promise<void> {
  if (!files.length) return;
  const wanted = [...new Set(files.map(({ sha256 }) => sha256))];
  const there = await tx
    .selectFrom("blobs")
    .select(["sha256", "size"])
    .where("sha256", "in", wanted)
    .where("stored", "=", true)
    .where("deleting", "=", false)
    .forUpdate()
    .execute();
  const missing = wanted.find((sha256) => !there.some((blob) => blob.sha256 === sha256));
  if (missing) throw fail("NOT_FOUND", { what: "upload", id: missing });
  if (holder) await requireHeld(tx, owner, wanted, holder);
  const sizes = new Map(there.map(({ sha256, size }) => [sha256, Number(size)]));
  const other = files.find(({ sha256, size }) => size !== undefined && size !== sizes.get(sha256));
  if (other) throw fail("BLOB_MISMATCH", { want: `${other.size} bytes (${other.name})`, got: `${sizes.get(other.sha256)} bytes` });
  await tx.updateTable("blobs").set({ referred: true }).where("sha256", "in", wanted).where("referred", "=", false).execute();
  await tx
    .insertInto("blob_refs")
    .values(files.map(({ name, sha256 }) => ({ owner_kind: owner.kind, owner: owner.id, name, sha256 })))
    .onConflict((conflict) => conflict.columns(["owner_kind", "owner", "name"]).doUpdateSet({ sha256: sql`excluded.sha256` }))
    .execute();
}

async function requireHeld(tx: Tx, owner: { kind: EntityKind; id: string }, wanted: readonly string[], holder: string): Promise<void> {
  const { rows } = await sql<{ sha256: string }>`
    select sha256 from blob_uploads where holder = ${holder} and sha256 = any(${wanted}::text[])
    union select sha256 from blob_refs where owner_kind = ${owner.kind} and owner = ${owner.id} and sha256 = any(${wanted}::text[])`.execute(tx);
  const missing = wanted.find((digest) => !rows.some(({ sha256 }) => sha256 === digest));
  if (missing) throw fail("NOT_FOUND", { what: "upload", id: missing });
}

/** @param names of the files that it has no more; all unless said */
export async function forget(tx: Tx, owner: { kind: EntityKind; id: string }, names?: readonly string[]): Promise<void> {
  if (names?.length === 0) return;
  const all = tx.deleteFrom("blob_refs").where("owner_kind", "=", owner.kind).where("owner", "=", owner.id);
  await (names ? all.where("name", "in", names) : all).execute();
}

/** Whether an entity refers to a blob: what a worker may read. */
export async function refersTo(db: Query, owners: readonly string[], sha256: string): Promise<boolean> {
  return Boolean(await db.selectFrom("blob_refs").select("name").where("owner", "in", owners).where("sha256", "=", sha256).executeTakeFirst());
}

const unneeded = (grace: number) => sql<boolean>`(referred or touched_at < now() - make_interval(secs => ${grace}))
  and not exists (select 1 from blob_refs r where r.sha256 = blobs.sha256)`;

/** Marks blobs that nobody needs, some at a time; what a collector that died left marked comes again. */
export async function markUnneeded(db: Query, graceSeconds: number, limit: number): Promise<{ sha256: string; size: number }[]> {
  const { rows } = await sql<{ sha256: string; size: number }>`update blobs set deleting = true, touched_at = now() where sha256 in (
      select sha256 from blobs where (deleting and ${abandoned}) or (not deleting and ${unneeded(graceSeconds)}) limit ${limit}
      for update skip locked) returning sha256, size`.execute(db);
  return rows;
}

/**
 * Whether a marked blob may be deleted now: its mark is this collector's still, and will be for as long as that takes, as what is uploaded again
 * after another one's deletion must stay. A mark that was late, as something came to refer to the blob at the same moment, is taken back.
 */
export async function renewMark(db: Query, sha256: string): Promise<boolean> {
  const { rows } = await sql<{ deleting: boolean }>`update blobs set touched_at = now(),
      deleting = not exists (select 1 from blob_refs r where r.sha256 = blobs.sha256)
    where sha256 = ${sha256} and deleting and touched_at > now() - make_interval(secs => ${MARK_SECONDS / 2}) returning deleting`.execute(db);
  return rows[0]?.deleting === true;
}

export async function removeMarked(db: Query, sha256: string): Promise<void> {
  await db.deleteFrom("blobs").where("sha256", "=", sha256).where("deleting", "=", true).execute();
}

export interface Use {
  readonly blobs: number;
  readonly bytes: number;
}

/** What is stored, in all and by the kind of entity that needs it; what two kinds need counts for both. */
export async function use(db: Query): Promise<Use & { byKind: Record<string, Use> }> {
  const total = await sql<Use>`select count(*) as blobs, coalesce(sum(size), 0)::bigint as bytes from blobs`.execute(db);
  const kinds = await sql<Use & { kind: string }>`select owner_kind as kind, count(*) as blobs, sum(size)::bigint as bytes from (
      select distinct r.owner_kind, b.sha256, b.size from blob_refs r join blobs b using (sha256)) one group by owner_kind`.execute(db);
  const number = ({ blobs, bytes }: Use) => ({ blobs: Number(blobs), bytes: Number(bytes) });
  return { ...number(total.rows[0]!), byKind: Object.fromEntries(kinds.rows.map((row) => [row.kind, number(row)])) };
}

/** What a purge would free, once the references of the trash are gone too. */
export async function reclaimable(db: Query, graceSeconds: number): Promise<Use & { runs: number; datasets: number }> {
  const { rows } = await sql<Use & { runs: number; datasets: number }>`
    with trash as (select 'run' as kind, id from runs where trashed_at is not null
      union all select 'dataset', id from datasets where deleted_at is not null),
    freed as (select sha256, size from blobs where (referred or touched_at < now() - make_interval(secs => ${graceSeconds}))
      and not exists (select 1 from blob_refs r where r.sha256 = blobs.sha256
        and not exists (select 1 from trash t where t.kind = r.owner_kind and t.id = r.owner)))
    select (select count(*) from trash where kind = 'run') as runs, (select count(*) from trash where kind = 'dataset') as datasets,
      (select count(*) from freed) as blobs, (select coalesce(sum(size), 0)::bigint from freed) as bytes`.execute(db);
  const { runs, datasets, blobs, bytes } = rows[0]!;
  return { runs: Number(runs), datasets: Number(datasets), blobs: Number(blobs), bytes: Number(bytes) };
}
