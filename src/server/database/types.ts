/** How PostgreSQL's values arrive in JavaScript, the same from both kinds of database. */
import pg from "pg";
import { fail } from "../../shared/errors.ts";

type Parse = (text: string) => unknown;

const asIs: Parse = (text) => text;
const texts = pg.types.getTypeParser(1009 as number) as (text: string) => (string | null)[]; // text[]
const listOf = (parse: Parse) => (text: string) => texts(text).map((item) => (item === null ? null : parse(item)));

function integer(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value)) return value;
  throw fail("INTERNAL", { detail: `the database's integer ${text} does not fit a JavaScript number` });
}

/** \x68692e, as a copy that owns its memory: it may be handed to another thread. */
const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.slice(2), "hex"));

/** By type oid, where pg's own choice is not ours. https://www.postgresql.org/docs/current/catalog-pg-type.html */
const parsers: Readonly<Record<number, Parse>> = {
  17: bytes, //            bytea
  20: integer, //          bigint
  1700: Number, //         numeric
  1082: asIs, //           date: pg would make it midnight in the server's time zone
  1114: asIs, //           timestamp without time zone: likewise
  1186: asIs, //           interval
  1001: listOf(bytes), //  bytea[]
  1016: listOf(integer), // bigint[]
  1115: listOf(asIs), //   timestamp[]
  1182: listOf(asIs), //   date[]
  1187: listOf(asIs), //   interval[]
};

/** What pg calls to find the parser of a column. */
export const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: "text") => parsers[oid] ?? pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser,
};
