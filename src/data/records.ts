/** Rows of a split's table as they came, from its Parquet file: some by their places, or those that a class or a text finds. */
import { stat } from "node:fs/promises";
import { fail } from "../shared/errors.ts";
import { type FoundRows, MOST_CELL, MOST_COLUMNS, type RowQuery } from "../shared/records.ts";
import { Duck, identifier, literal, pathLiteral } from "./tables/duck.ts";

const numeric = /^(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL)/;

/**
 * @param path of the Parquet file, whose rows stand in the order of the split's tensors
 * @param directory an empty one, for what does not fit into memory
 * @throws BAD_FILE
 */
export async function findRows(path: string, directory: string, { indices, target, text, offset, limit }: RowQuery): Promise<FoundRows> {
  const duck = await Duck.open(directory, (await stat(path)).size);
  try {
    const from = `read_parquet(${pathLiteral(path)}, file_row_number = true)`;
    const described = (await duck.rows(`DESCRIBE SELECT * EXCLUDE file_row_number FROM ${from}`)) as [name: string, type: string][];
    const of = new Map(described);
    const conditions = [
      ...(indices ? [`file_row_number IN (${indices.join(", ") || "NULL"})`] : []),
      ...(target ? [isLabel(target.column, of.get(target.column) ?? "", target.label)] : []),
      ...(text
        ? [`(${described.map(([name, type]) => `contains(lower(coalesce(${shown(name, type)}, '')), ${literal(text.toLowerCase())})`).join(" OR ")})`]
        : []),
    ];
    const where = conditions.length ? `WHERE ${conditions.join(" AND ")}` : "";
    const cells = described.slice(0, MOST_COLUMNS).map(([name, type]) => `left(${shown(name, type)}, ${MOST_CELL})`);
    const [[matched] = []] = await duck.rows(`SELECT count(*) FROM ${from} ${where}`);
    // Without a condition the file tells where rows lie, and passes over what comes before.
    const page = where
      ? `${where} ORDER BY file_row_number LIMIT ${limit} OFFSET ${offset}`
      : `WHERE file_row_number BETWEEN ${offset} AND ${offset + limit - 1} ORDER BY file_row_number`;
    const rows = await duck.rows(`SELECT file_row_number, ${cells.join(", ")} FROM ${from} ${page}`);
    return {
      matched: Number(matched),
      columns: described.slice(0, MOST_COLUMNS).map(([name]) => name),
      more: Math.max(0, described.length - MOST_COLUMNS),
      rows: rows.map(([index, ...cells]) => ({ index: Number(index), cells: cells as (string | null)[] })),
    };
  } catch (cause) {
    // What DuckDB says names the path, which is nobody's business.
    throw fail(
      "BAD_FILE",
      { path: "the rows of the dataset", want: "a Parquet file", got: "cannot be read", fix: "Import the dataset again." },
      cause,
    );
  } finally {
    duck.close();
  }
}

/** What DuckDB writes at the end of whole numbers, and of days. */
const needless: readonly (readonly [type: RegExp, end: string])[] = [
  [/^(FLOAT|DOUBLE)/, "\\.0$"],
  [/^TIMESTAMP/, " 00:00:00$"],
];

/** A cell as text. */
function shown(column: string, type: string): string {
  const text = `${identifier(column)}::VARCHAR`;
  const [, end] = needless.find(([of]) => of.test(type)) ?? [];
  return end ? `regexp_replace(${text}, ${literal(end)}, '')` : text;
}

/** Classes of numbers are called as JavaScript writes them. */
const isLabel = (column: string, type: string, label: string): string =>
  numeric.test(type) ? `${identifier(column)} = TRY_CAST(${literal(label)} AS DOUBLE)` : `${identifier(column)}::VARCHAR = ${literal(label)}`;
