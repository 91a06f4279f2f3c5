/**
 * Transfers: uploads in pieces, for content that is large or whose digest is not known beforehand. A piece is there whole or not
 * at all, so that whoever was cut off goes on where the server is; at the end the pieces become a blob.
 */
import { createHash, randomUUID } from "node:crypto";
import { sql } from "kysely";
import type { Transfer } from "../../../shared/api/schemas.ts";
import { fail } from "../../../shared/errors.ts";
import { chunks } from "../../../storage/bytes.ts";
import type { Query } from "../../entity.ts";
import type { Kernel } from "../../kernel.ts";
import { keep } from "./service.ts";

/** Bytes of a piece but for the last one: few requests for large content, little to send again. */
const PIECE_BYTES = 16 * 2 ** 20;
/** Transfers of one project at a time: each may hold disk space that nobody can see. */
const MOST_OPEN = 100;

/** Who may go on with it: whoever began it, in the project it was begun in. */
interface Owner {
  readonly project: string;
  readonly actor: string;
}

interface Row {
  readonly id: string;
  readonly size: number;
  readonly received: number;
  readonly sha256: string | null;
}

const present = ({ id, size, received }: Row): Transfer => ({ id, size, received, pieceBytes: PIECE_BYTES });

/** Begins a transfer, or finds the one that the same person began of the same content. */
export async function beginTransfer(
  { db, config }: Kernel,
  { project, actor }: Owner,
  { size, fingerprint }: { size: number; fingerprint?: string },
): Promise<Transfer> {
  if (size > config.maxUpload) throw fail("PAYLOAD_TOO_LARGE", { limit: config.maxUpload });
  return db.transaction(async (tx) => {
    await sql`select pg_advisory_xact_lock(hashtext(${`transfers ${project}`}))`.execute(tx);
    const open = tx.selectFrom("transfers").where("project", "=", project).where("sha256", "is", null);
    if (fingerprint !== undefined) {
      const same = await open
        .selectAll()
        .where("actor", "=", actor)
        .where("fingerprint", "=", fingerprint)
        .where("size", "=", size)
        .executeTakeFirst();
      if (same) return present(numbers(same));
    }
    const { count } = await open.select(({ fn }) => fn.countAll().as("count")).executeTakeFirstOrThrow();
    if (Number(count) >= MOST_OPEN) throw fail("TOO_MANY_TRANSFERS", { limit: MOST_OPEN });
    const row = { id: randomUUID(), project, actor, fingerprint: fingerprint ?? null, size };
    return present(numbers(await tx.insertInto("transfers").values(row).returningAll().executeTakeFirstOrThrow()));
  });
}

export async function getTransfer({ db }: Kernel, owner: Owner, id: string): Promise<Transfer> {
  return present(await find(db.query, owner, id));
}

/**
 * Takes the piece that begins at an offset.
 * @throws TRANSFER_OFFSET unless everything before it is there and nothing after; PAYLOAD_TOO_LARGE
 */
export async function addPiece(kernel: Kernel, owner: Owner, id: string, offset: number, body: AsyncIterable<Uint8Array>): Promise<Transfer> {
  const { db, store } = kernel;
  const { size, received, sha256 } = await find(db.query, owner, id);
  if (offset !== received || sha256) throw fail("TRANSFER_OFFSET", { given: offset, received });
  const most = Math.min(PIECE_BYTES, size - received);
  const key = `${folder(id)}${randomUUID()}`;
  const { size: length } = await store.put(key, limited(body, most));
  const took = await db.transaction(async (tx) => {
    const row = await tx
      .updateTable("transfers")
      .set({ received: received + length, touched_at: sql`now()` })
      .where("id", "=", id)
      .where("received", "=", received)
      .returningAll()
      .executeTakeFirst();
    if (row && length) await tx.insertInto("transfer_pieces").values({ transfer: id, start: received, key }).execute();
    return row && numbers(row);
  });
  if (took) return present(took);
  await store.delete(key); // another request brought this piece meanwhile
  throw fail("TRANSFER_OFFSET", { given: offset, received: (await find(db.query, owner, id)).received });
}

/**
 * Makes a blob of the pieces. Asked again, it answers the same.
 * @throws TRANSFER_OFFSET while pieces are missing, BLOB_MISMATCH when the content is not what was expected
 */
export async function finishTransfer(kernel: Kernel, owner: Owner, id: string, expected?: string): Promise<{ sha256: string; size: number }> {
  const { db, store } = kernel;
  const { size, received, sha256: known } = await find(db.query, owner, id);
  if (received < size) throw fail("TRANSFER_OFFSET", { given: size, received });
  if (known && (!expected || expected === known)) return { sha256: known, size };
  const pieces = await db.query.selectFrom("transfer_pieces").select("key").where("transfer", "=", id).orderBy("start").execute();
  const content = () => joined(kernel, pieces);
  const sha256 = expected ?? (await digestOf(content()));
  await keep(kernel, content(), owner.project, { sha256, size, maxBytes: kernel.config.maxUpload });
  await db.query.updateTable("transfers").set({ sha256 }).where("id", "=", id).execute();
  await db.query.deleteFrom("transfer_pieces").where("transfer", "=", id).execute();
  for (const { key } of pieces) await store.delete(key);
  return { sha256, size };
}

export async function cancelTransfer(kernel: Kernel, owner: Owner, id: string): Promise<void> {
  await find(kernel.db.query, owner, id);
  await remove(kernel, id);
}

/** Removes transfers that nobody went on with for so long, and pieces that belong to none. @returns how many transfers */
export async function sweepTransfers(kernel: Kernel, olderThanMs: number): Promise<number> {
  const { db, store } = kernel;
  const old = await db.query
    .selectFrom("transfers")
    .select("id")
    .where("touched_at", "<", sql<Date>`now() - make_interval(secs => ${olderThanMs / 1000})`)
    .execute();
  for (const { id } of old) await remove(kernel, id);
  const before = Date.now() - olderThanMs;
  for await (const { key, modifiedAt } of store.list("transfers/")) {
    if (modifiedAt.getTime() > before) continue;
    const known = await db.query.selectFrom("transfer_pieces").select("start").where("key", "=", key).executeTakeFirst();
    if (!known) await store.delete(key);
  }
  return old.length;
}

const folder = (id: string): string => `transfers/${id}/`;

async function remove({ db, store }: Kernel, id: string): Promise<void> {
  await db.query.deleteFrom("transfers").where("id", "=", id).execute();
  for await (const { key } of store.list(folder(id))) await store.delete(key);
}

async function find(db: Query, { project, actor }: Owner, id: string): Promise<Row> {
  const row = await db
    .selectFrom("transfers")
    .selectAll()
    .where("id", "=", id)
    .where("project", "=", project)
    .where("actor", "=", actor)
    .executeTakeFirst();
  if (!row) throw fail("NOT_FOUND", { what: "transfer", id });
  return numbers(row);
}

/** Drivers differ in what they make of a bigint. */
const numbers = <R extends { size: unknown; received: unknown }>(row: R) => ({ ...row, size: Number(row.size), received: Number(row.received) });

async function* limited(body: AsyncIterable<Uint8Array>, most: number): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > most) throw fail("PAYLOAD_TOO_LARGE", { limit: most });
    yield chunk;
  }
}

async function* joined({ store }: Kernel, pieces: readonly { readonly key: string }[]): AsyncGenerator<Uint8Array> {
  for (const { key } of pieces) yield* chunks((await store.get(key)).body);
}

async function digestOf(content: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of content) hash.update(chunk);
  return hash.digest("hex");
}
