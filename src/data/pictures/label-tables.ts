/** Tables that lie beside pictures and say what each shows: which column names the file is told from the names that are there. */
import { mkdir, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { SplitName } from "../../shared/dataset.ts";
import { resolveParams } from "../../shared/define.ts";
import { fail, TrainyardError } from "../../shared/errors.ts";
import type { ImportContext } from "../importing.ts";
import { Duck } from "../tables/duck.ts";
import { load, splitCalled } from "../tables/load.ts";
import { tableParams } from "../tables/options.ts";
import { isPicture } from "./names.ts";
import { Changed, type Listing, type Place, PlaceReader } from "./places.ts";

export interface LabelOptions {
  /** Empty: found by its name. */
  readonly labelColumn: string;
  readonly splitColumn: string;
}
/** What a table says of one picture. */
export interface Said {
  readonly label: string;
  readonly split?: SplitName;
}
export interface TableLabels {
  /** Of the file in the listing; and that with the listing's own, for messages. */
  readonly name: string;
  readonly path: string;
  readonly of: ReadonlyMap<Place, Said>;
  /** Rows whose picture is not there, and the first of them. */
  readonly lost: number;
  readonly firstLost?: string;
}

const MOST_BYTES = 2 ** 26;
const MOST_TABLES = 20;
/** Rows by which the column with the names of files is told. */
const LOOK = 1000;
/** Of a table that is about these pictures, so many of the rows looked at name one. */
const MATCHING = 0.5;
const labelNames = /^(labels?|class(es)?|class_?names?|categor(y|ies)|target|species|diagnosis|dx|breed|tags?|y)$/i;
const splitNamesOf = /^(split|subset|partition|set|fold)$/i;

/**
 * What the tables beside the pictures say. One of them may name the split of its rows: train.csv, test.csv.
 * @throws BAD_FILE where it cannot be told which column holds the classes
 */
export async function readLabels(
  listing: Listing,
  pictures: readonly Place[],
  tables: readonly Place[],
  options: LabelOptions,
  context: Pick<ImportContext, "directory" | "signal">,
): Promise<TableLabels[]> {
  const find = finder(pictures);
  const found: TableLabels[] = [];
  const directory = join(context.directory, "labels");
  await mkdir(directory, { recursive: true });
  const reader = new PlaceReader();
  try {
    for (const table of tables.filter(({ size }) => size > 0 && size <= MOST_BYTES).slice(0, MOST_TABLES)) {
      const path = join(directory, basename(table.name));
      await writeFile(path, bytesOf(table, reader, listing));
      const rows = await readTexts(path, directory, context.signal);
      const labels = rows && labelsOf(table.name, pathOf(table, listing), rows, (value) => find(value, dirname(table.name)), options);
      if (labels) found.push(labels);
    }
  } finally {
    reader.close();
    await rm(directory, { recursive: true, force: true });
  }
  return found;
}

const pathOf = ({ name }: Place, { path }: Listing): string => `${path}: ${name}`;

/** @throws BAD_FILE */
function bytesOf(table: Place, reader: PlaceReader, listing: Listing): Buffer {
  try {
    return reader.read(table);
  } catch (cause) {
    if (cause instanceof Changed) throw listing.changed(table.name);
    const fix = "Copy or download the archive again, or pack it anew.";
    throw fail("BAD_FILE", { path: pathOf(table, listing), want: "a table", got: (cause as Error).message, fix }, cause);
  }
}

interface Texts {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** All cells as texts; undefined for what is no table, such as a text that is called README.txt. */
async function readTexts(path: string, directory: string, signal?: AbortSignal): Promise<Texts | undefined> {
  const read = async (header: "auto" | "no"): Promise<Texts> => {
    const duck = await Duck.open(directory, 0, signal);
    try {
      const options = { ...resolveParams("table", tableParams), columns: [], asText: true, missing: [], header } as const;
      const { columns } = await load(duck, [{ path }], options, { directory, signal });
      const rows = await duck.rows(`SELECT ${columns.map((_, i) => `c${i}`).join(", ")} FROM rows`);
      return { columns: columns.map(({ name }) => name), rows: rows.map((row) => row.map((cell) => (cell === null ? "" : String(cell)))) };
    } finally {
      duck.close();
    }
  };
  try {
    const texts = await read("auto");
    // Cells of texts look like names of columns: a file's name tells that they are none.
    return texts.columns.some(isPicture) ? await read("no") : texts;
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof TrainyardError && error.status < 500) return undefined;
    throw error;
  }
}

/** Undefined for a table that is not about these pictures. */
function labelsOf(
  name: string,
  path: string,
  { columns, rows }: Texts,
  find: (value: string) => Place | undefined,
  options: LabelOptions,
): TableLabels | undefined {
  const some = rows.slice(0, LOOK);
  const hits = columns.map((_, c) => some.reduce((sum, row) => sum + Number(find(row[c]!) !== undefined), 0));
  const file = hits.indexOf(Math.max(...hits));
  if (file < 0 || hits[file]! < MATCHING * some.length || hits[file] === 0) return undefined;
  const split = options.splitColumn ? named(path, columns, options.splitColumn, "splitColumn") : splitColumnIn({ columns, rows: some });
  const label = labelColumnIn(path, columns, file, split, options.labelColumn);
  const whole = splitCalled(basename(name));
  const of = new Map<Place, Said>();
  let lost = 0;
  let firstLost: string | undefined;
  for (const row of rows) {
    const place = find(row[file]!);
    if (!place) {
      firstLost ??= row[file];
      lost++;
      continue;
    }
    const text = row[label]!.trim().normalize("NFC");
    const before = of.get(place);
    if (before && before.label !== text) {
      const got = `says of "${row[file]}" both "${before.label}" and "${text}"`;
      throw fail("BAD_FILE", { path, want: "a table with one class for each picture", got, fix: "Remove one of the two rows." });
    }
    of.set(place, { label: text, split: split === undefined ? whole : splitCalled(row[split]!) });
  }
  return { name, path, of, lost, firstLost };
}

function named(path: string, columns: readonly string[], name: string, param: string): number {
  const at = columns.indexOf(name);
  if (at >= 0) return at;
  const got = `has the columns ${columns.join(", ")}`;
  throw fail("BAD_FILE", { path, want: `a table with a column "${name}"`, got, fix: `Choose one of them as ${param}.` });
}

/** A column of that name whose cells all are names of splits. */
function splitColumnIn({ columns, rows }: Texts): number | undefined {
  const at = columns.findIndex((name, c) => splitNamesOf.test(name) && rows.every((row) => splitCalled(row[c]!)));
  return at < 0 ? undefined : at;
}

function labelColumnIn(path: string, columns: readonly string[], file: number, split: number | undefined, wanted: string): number {
  if (wanted) return named(path, columns, wanted, "labelColumn");
  const others = columns.map((_, c) => c).filter((c) => c !== file && c !== split);
  const label = others.length === 1 ? others[0] : others.find((c) => labelNames.test(columns[c]!));
  if (label !== undefined) return label;
  const names = others.map((c) => columns[c]).join(", ");
  throw fail("BAD_FILE", {
    path,
    want: "a table with a column of classes beside the names of the pictures",
    got: names ? `has ${names}, of which none is called label, class or the like` : `has "${columns[file]}" alone`,
    fix: names ? "Choose one of them as labelColumn." : "Add a column that says what each picture shows.",
  });
}

/** Pictures by their paths, from the table's folder or the root; by their names; and by these without their endings: what is meant by one is found. */
function finder(pictures: readonly Place[]): (value: string, folder: string) => Place | undefined {
  const byPath = new Map(pictures.map((place) => [place.name, place]));
  const unique = (nameOf: (name: string) => string) => {
    const index = new Map<string, Place | undefined>();
    for (const place of pictures) index.set(nameOf(place.name), index.has(nameOf(place.name)) ? undefined : place);
    return index;
  };
  const byName = unique((name) => basename(name));
  const byStem = unique(stemOf);
  return (value, folder) => {
    const path = value
      .trim()
      .normalize("NFC")
      .replaceAll("\\", "/")
      .replace(/^(\.?\/)+/, "");
    const beside = folder === "." ? path : `${folder}/${path}`;
    return byPath.get(beside) ?? byPath.get(path) ?? byName.get(basename(path)) ?? byStem.get(stemOf(path));
  };
}

const stemOf = (name: string): string => (isPicture(name) ? basename(name).replace(/\.[^.]*$/, "") : basename(name));
