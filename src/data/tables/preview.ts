/** A look at a table before it is imported: what it was found to be, from its beginning. */
import { open, stat } from "node:fs/promises";
import { TrainyardError } from "../../shared/errors.ts";
import type { Preview } from "../../shared/profile.ts";
import type { ImportContext } from "../importing.ts";
import { chooseColumns, targetOf } from "./columns.ts";
import { Duck } from "./duck.ts";
import { load, tableFiles } from "./load.ts";
import type { TableOptions } from "./options.ts";

/** Of a larger text file only its beginning is looked at. */
const BEGINNING = 8 * 2 ** 20;
const ROWS = 20;
const EXAMPLES = 5;
/** Rows in which examples are looked for. */
const LOOKED_AT = 200;

/** What an import would find. Problems that would stop it are told rather than thrown, as far as anything can be told. */
export async function previewTable(path: string, options: TableOptions, context: ImportContext): Promise<Preview> {
  const files = await tableFiles(path);
  const { size } = await stat(files[0]!.path);
  const part = await beginning(files[0]!.path, size, context.directory);
  const duck = await Duck.open(context.directory, BEGINNING, context.signal);
  const problems: Preview["problems"] = [];
  try {
    const loaded = await load(duck, part ? [{ path: part }] : files, options, context);
    const names = loaded.columns.map(({ name }) => name);
    const seen = { path: files[0]!.path };
    const { at, why } = targetOf(seen.path, names, options.target);
    const chosen = await chooseColumns(duck, seen.path, loaded, { ...options, missingTarget: "drop" }).catch((error) => {
      if (!(error instanceof TrainyardError)) throw error;
      problems.push({ where: names[at]!, message: error.message, fix: error.fix });
      return undefined;
    });
    if (chosen?.empty.length)
      problems.push(...chosen.warnings.map(({ message, fix, columns = [] }) => ({ where: columns.join(", "), message, fix })));
    const typeOf = (i: number) =>
      chosen?.features.find((feature) => feature.at === `c${i}`)?.type ?? (loaded.columns[i]!.kind === "text" ? "category" : loaded.columns[i]!.kind);
    const facts = loaded.columns.map((_, i) => `count(*) - count(c${i}), approx_count_distinct(c${i})`);
    const [row = []] = await duck.rows(`SELECT ${facts.join(", ")} FROM rows`);
    const first = await duck.rows(`SELECT ${loaded.columns.map((_, i) => `c${i}::VARCHAR`).join(", ")} FROM rows LIMIT ${LOOKED_AT}`);
    const text = (cell: unknown) => (cell === null ? null : String(cell));
    const examples = (i: number) => [...new Set(first.map((cells) => text(cells[i])).filter((cell) => cell !== null))].slice(0, EXAMPLES);
    const [file] = loaded.files;
    const read = part ? (await stat(part)).size : size;
    return {
      kind: "table",
      format: {
        name: file!.kind,
        ...(file!.encoding && { encoding: file!.encoding }),
        ...(loaded.dialect && { delimiter: loaded.dialect.delimiter, quote: loaded.dialect.quote, header: loaded.dialect.header }),
      },
      records: part ? Math.round((loaded.count * size) / read) : loaded.count,
      estimated: part !== undefined,
      columns: loaded.columns.map(({ name }, i) => ({
        name,
        type: typeOf(i),
        missing: Number(row[2 * i]),
        distinct: Number(row[2 * i + 1]),
        examples: examples(i),
      })),
      ...(chosen && { target: { name: chosen.target.name, task: chosen.task, why } }),
      rows: first.slice(0, ROWS).map((cells) => cells.map(text)),
      ...(chosen?.task === "classification" && { classes: await classesOf(duck, chosen.target.at) }),
      problems,
    };
  } catch (error) {
    if (!(error instanceof TrainyardError)) throw error;
    // Of what cannot be read at all only why can be told.
    const said = { where: files[0]!.path, message: error.message.replaceAll(part ?? "\0", files[0]!.path), fix: error.fix };
    return { kind: "table", format: { name: "unknown" }, records: 0, estimated: false, columns: [], rows: [], problems: [said] };
  } finally {
    duck.close();
  }
}

async function classesOf(duck: Duck, at: string): Promise<NonNullable<Preview["classes"]>> {
  const found = await duck.rows(`SELECT ${at}::VARCHAR, count(*) AS n FROM rows GROUP BY ALL ORDER BY n DESC LIMIT 100`);
  return found.map(([label, count]) => ({ label: String(label), count: Number(count) }));
}

/** The beginning of a large text file, up to the end of a line, as a file of its own; undefined where the whole is looked at. */
async function beginning(path: string, size: number, directory: string): Promise<string | undefined> {
  if (size <= 2 * BEGINNING) return undefined;
  await using file = await open(path);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(BEGINNING), 0, BEGINNING, 0);
  const head = buffer.subarray(0, bytesRead);
  const binary = head[0] === 0x1f || ["PAR1", "PK\x03\x04"].includes(head.toString("latin1", 0, 4)) || head.includes(0);
  const end = head.lastIndexOf(0x0a);
  if (binary || end < 0) return undefined;
  const part = `${directory}/beginning`;
  await using target = await open(part, "w");
  await target.writeFile(head.subarray(0, end + 1));
  return part;
}
