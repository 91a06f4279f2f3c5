/** The texts of a snapshot's table, from its Parquet files: no tensor holds them. */
import { join } from "node:path";
import type { Snapshot, SplitName } from "../shared/dataset.ts";
import { fail } from "../shared/errors.ts";

/**
 * The text columns of a split, `rows` rows at a time, row-major; "" where a text is missing. Ends at once where there are none.
 * Of a sample of a split the file has more rows, which are passed over.
 * @throws BAD_FILE
 */
export async function* textsOf(directory: string, snapshot: Snapshot, split: SplitName, rows: number): AsyncGenerator<readonly string[]> {
  const columns = snapshot.columns.filter(({ type }) => type === "text");
  if (!columns.length) return;
  const { parquet: file, count = 0 } = snapshot.splits[split] ?? {};
  if (!file) throw fail("INTERNAL", { detail: `the snapshot has texts, but no Parquet file of "${split}"` });
  const { DuckDBInstance } = await import("@duckdb/node-api"); // 60 ms: only where there are texts
  const instance = await DuckDBInstance.create(":memory:", { autoinstall_known_extensions: "false", threads: "1" });
  const connection = await instance.connect();
  try {
    const path = join(directory, file.name);
    const cells = columns.map(({ name }) => `coalesce("${name.replaceAll('"', '""')}"::VARCHAR, '')`);
    const found = await connection.stream(`SELECT ${cells} FROM read_parquet($1) LIMIT ${count}`, [path]).catch((cause: Error) => {
      const got = `DuckDB says: ${cause.message.split("\n")[0]}`;
      throw fail(
        "BAD_FILE",
        { path, want: `the rows of a table with ${columns.map(({ name }) => name).join(", ")}`, got, fix: "Import the dataset again." },
        cause,
      );
    });
    let batch: string[] = [];
    for await (const chunk of found) {
      const vectors = columns.map((_, c) => chunk.getColumnVector(c));
      for (let row = 0; row < chunk.rowCount; row++) {
        for (const vector of vectors) batch.push(vector.getItem(row) as string);
        if (batch.length < rows * columns.length) continue;
        yield batch;
        batch = [];
      }
    }
    if (batch.length) yield batch;
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
