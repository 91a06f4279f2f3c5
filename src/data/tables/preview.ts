/** A look at a table before it is imported: what it was found to be, from its beginning. */
import { basename } from "node:path";
import { TrainyardError } from "../../shared/errors.ts";
import type { Preview } from "../../shared/profile.ts";
import type { ImportContext } from "../importing.ts";
import { chooseColumns, targetOf } from "./columns.ts";
import { Duck, pathLiteral } from "./duck.ts";
import { clearLoaded, type Loaded, load, tableFiles } from "./load.ts";
import type { TableOptions } from "./options.ts";

/** Of a larger text only so many bytes are looked at, of other forms so many rows. */
const BYTES = 4 * 2 ** 20;
const MOST_ROWS = 50_000;
const ROWS = 20;
const EXAMPLES = 5;
/** Rows in which examples are looked for. */
const LOOKED_AT = 200;
const CLASSES = 100;

type Problem = Preview["problems"][number];

/** What an import would find. What would stop it is told as problems rather than thrown, as far as anything can be told. */
export async function previewTable(path: string, options: TableOptions, context: ImportContext): Promise<Preview> {
  const { directory, signal } = context;
  const files = await tableFiles(path);
  const duck = await Duck.open(directory, BYTES, signal);
  const problems: Problem[] = [];
  try {
    const loaded = await load(duck, files, options, { directory, signal, look: { bytes: BYTES, rows: MOST_ROWS, problems } });
    return await describe(duck, loaded, options, problems);
  } catch (error) {
    if (!(error instanceof TrainyardError)) throw error;
    // Of what cannot be read at all only why can be told.
    const said = { where: basename(files[0]!.path), message: error.message, fix: error.fix };
    return { kind: "table", format: { name: "unknown" }, records: 0, estimated: false, columns: [], rows: [], problems: [...problems, said] };
  } finally {
    duck.close();
    await Promise.all([clearLoaded(directory, files.length), Duck.clear(directory)]);
  }
}

async function describe(duck: Duck, loaded: Loaded, options: TableOptions, problems: Problem[]): Promise<Preview> {
  const { columns, dialect, ambiguous } = loaded;
  const [file] = loaded.files;
  const { records, estimated } = await recordsOf(duck, loaded);
  const distinct = loaded.count <= MOST_ROWS ? "count(DISTINCT " : "approx_count_distinct(";
  const facts = columns.map((_, i) => `count(*) - count(c${i}), ${distinct}c${i})`);
  const row = await duck.facts(facts, "rows");
  const first = await duck.rows(`SELECT ${columns.map((_, i) => `c${i}::VARCHAR`).join(", ")} FROM rows LIMIT ${LOOKED_AT}`);

  for (const { name, read, or } of ambiguous)
    problems.push({
      where: name,
      message: `the dates of "${name}" may be meant as ${read} or as ${or}; they are taken for ${read}`,
      fix: "If that is wrong, write them as 2024-12-31.",
    });
  const attempt = async <T>(where: string, work: () => T | Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof TrainyardError)) throw error;
      problems.push({ where, message: error.message, fix: error.fix });
      return undefined;
    }
  };
  const names = columns.map(({ name }) => name);
  const target = await attempt(basename(file!.path), () => targetOf(file!.path, names, options.target));
  const without = target ? Number(row[2 * target.at]) : 0;
  if (target && without && options.missingTarget === "refuse")
    problems.push({
      where: names[target.at]!,
      message: `${without} rows${estimated ? " of those looked at" : ""} have no value in "${names[target.at]}", which is to be predicted`,
      fix: "Fill them in, or have such rows left out (missingTarget=drop).",
    });
  const chosen =
    target && (await attempt(names[target.at]!, () => chooseColumns(duck, file!.path, loaded, { ...options, missingTarget: "drop" }, estimated)));
  for (const { message, fix, columns: empty = [] } of chosen?.warnings ?? []) problems.push({ where: empty.join(", "), message, fix });
  const typeOf = (i: number) => {
    const { kind } = columns[i]!;
    if (target?.at === i && chosen?.task === "classification") return kind === "number" ? "number" : "category";
    return chosen?.features.find((feature) => feature.at === `c${i}`)?.type ?? (kind === "text" ? "category" : kind);
  };
  const text = (cell: unknown) => (cell === null ? null : String(cell));
  const examples = (i: number) => [...new Set(first.map((cells) => text(cells[i])).filter((cell) => cell !== null))].slice(0, EXAMPLES);
  return {
    kind: "table",
    format: {
      name: file!.kind,
      ...(file!.encoding && { encoding: file!.encoding }),
      ...(dialect && { delimiter: dialect.delimiter, quote: dialect.quote, header: dialect.header }),
    },
    records,
    estimated,
    columns: names.map((name, i) => ({
      name,
      type: typeOf(i),
      missing: Number(row[2 * i]),
      distinct: Number(row[2 * i + 1]),
      examples: examples(i),
    })),
    ...(chosen && { target: { name: chosen.target.name, task: chosen.task, why: target.why } }),
    rows: first.slice(0, ROWS).map((cells) => cells.map(text)),
    ...(chosen?.task === "classification" && { classes: await classesOf(duck, chosen.target.at) }),
    problems,
  };
}

/** Rows of all files: counted where that is quick, else told from what was read of them. */
async function recordsOf(duck: Duck, { files, count, dialect }: Loaded): Promise<Pick<Preview, "records" | "estimated">> {
  const [{ form }] = files as [Loaded["files"][0]];
  if (dialect || files.some(({ share }) => share !== undefined)) {
    const found = await duck.rows("SELECT file, count(*) FROM rows GROUP BY file");
    const rows = (file: number) => Number(found.find(([f]) => Number(f) === file)?.[1] ?? 0);
    const records = files.reduce((sum, { share = 1 }, i) => sum + rows(i) / share, 0);
    return { records: Math.round(records), estimated: files.some(({ share = 1 }) => share < 1) };
  }
  if (count < MOST_ROWS) return { records: count, estimated: false };
  const counts = await duck.rows(files.map(({ readable }) => `SELECT count(*) FROM read_${form}(${pathLiteral(readable)})`).join(" UNION ALL "));
  return { records: counts.reduce((sum, [n]) => sum + Number(n), 0), estimated: true };
}

async function classesOf(duck: Duck, at: string): Promise<NonNullable<Preview["classes"]>> {
  const found = await duck.rows(`SELECT ${at}::VARCHAR, count(*) AS n FROM rows GROUP BY ALL ORDER BY n DESC, 1 LIMIT ${CLASSES}`);
  return found.map(([label, count]) => ({ label: String(label), count: Number(count) }));
}
