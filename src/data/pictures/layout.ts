/** What each picture of an archive or folder shows and which split it goes to: by the folders it lies in, or by tables beside them. */
import { basename, dirname } from "node:path";
import { type SplitName, splitNames } from "../../shared/dataset.ts";
import { fail, type TrainyardError } from "../../shared/errors.ts";
import type { DataWarning } from "../../shared/profile.ts";
import type { ImportContext } from "../importing.ts";
import { type LabelOptions, readLabels, type TableLabels } from "./label-tables.ts";
import { isArchive, isPicture, isTable, isUnnamed, sorted } from "./names.ts";
import type { Listing, Place } from "./places.ts";

export const labelSources = ["auto", "first-folder", "last-folder", "table"] as const;
export interface LayoutOptions extends LabelOptions {
  readonly labels: (typeof labelSources)[number];
}

/** Pictures of a split, sorted by name, with the class of each. */
export interface Part {
  readonly places: readonly Place[];
  readonly targets: Int32Array;
}
/** Something that was left out. */
export interface Note {
  readonly code: DataWarning["code"];
  readonly where: string;
  readonly message: string;
  readonly fix: string;
}
export interface Layout {
  readonly labels: readonly string[];
  readonly splits: { readonly train: Part } & { readonly [S in Exclude<SplitName, "train">]?: Part };
  readonly notes: readonly Note[];
  /** Who says it, for a sentence: "the folders say". */
  readonly from: string;
}

/** A table that knows so many of the pictures is what was meant, whatever folders they lie in. */
const KNOWN_BY_TABLE = 0.9;
const splitWords: Readonly<Record<string, SplitName>> = {
  train: "train",
  training: "train",
  val: "validation",
  valid: "validation",
  validation: "validation",
  dev: "validation",
  test: "test",
  testing: "test",
};
const splitOfFolder = (folder: string | undefined): SplitName | undefined => splitWords[folder?.toLowerCase() ?? ""];
const howTo = "Put them into a folder for each class, or add a table with the name and the class of each picture.";

/** A picture and what is known of it. */
interface Known {
  readonly place: Place;
  readonly label?: string;
  readonly split?: SplitName;
}

/** @throws BAD_FILE */
export async function layOut(listing: Listing, options: LayoutOptions, context: Pick<ImportContext, "directory" | "signal">): Promise<Layout> {
  const { path, files } = listing;
  const bad = (got: string, fix: string) => fail("BAD_FILE", { path, want: "pictures of at least two classes", got, fix });
  const pictures = picturesIn(files, bad);
  const folders = byFolders(pictures, options.labels);
  const tables = options.labels === "auto" || options.labels === "table" ? files.filter(({ name }) => isTable(name)) : [];
  const said = tables.length ? await readLabels(listing, pictures, tables, options, context) : [];
  const byTable = tablesWin(said, pictures.length, folders.known, options.labels);
  if (options.labels === "table" && !said.length)
    throw bad("holds no table with the names of its pictures", "Add one, for example labels.csv: file,label. Or let folders say the classes.");

  const known = byTable ? fromTables(said, folders.known) : folders.known;
  const labelled = known.filter(({ label }) => label);
  const labels = sorted(new Set(labelled.map(({ label }) => label!)));
  const only = labels[0] ?? foldersOf(pictures[0]!.name)[folders.above - 1];
  if (labels.length < 2)
    throw bad(
      only === undefined ? `holds ${pictures.length} pictures, and nothing says what they show` : `holds one class alone, "${only}"`,
      only === undefined ? howTo : "Bring pictures of what it is to be told from, in a folder of their own.",
    );
  return {
    labels,
    splits: splitsOf(labelled, new Map(labels.map((label, i) => [label, i])), bad),
    from: byTable ? `${said.map(({ name }) => basename(name)).join(", ")} ${said.length > 1 ? "say" : "says"}` : "the folders say",
    notes: [...(byTable ? said.flatMap(lostRows) : emptyFolders(listing, folders, labels)), ...unlabelled(known), ...leftOut(listing)],
  };
}

function picturesIn(files: readonly Place[], bad: (got: string, fix: string) => TrainyardError): readonly Place[] {
  const named = files.filter(({ name }) => isPicture(name));
  const pictures = named.length ? named : files.filter(({ name }) => isUnnamed(name));
  if (pictures.length) return pictures;
  const archive = files.find(({ name }) => isArchive(name));
  if (archive) throw bad(`holds the archive "${archive.name}" and no picture`, "Unpack what is in it, and pack the pictures themselves.");
  throw bad(files.length ? `holds ${files.length} files and no picture` : "holds no file", howTo);
}

interface ByFolders {
  readonly known: readonly Known[];
  /** Folders above all pictures. */
  readonly above: number;
  /** Place among the folders of that of the split; -1: none. */
  readonly splitAt: number;
}

const foldersOf = (name: string): string[] => (dirname(name) === "." ? [] : dirname(name).split("/"));

/** Folders around all of them say nothing; those called train, test and so on say the split; of the rest one is the class. */
function byFolders(pictures: readonly Place[], labels: LayoutOptions["labels"]): ByFolders {
  const paths = pictures.map(({ name }) => foldersOf(name));
  const first = paths[0]!;
  let above = 0;
  while (above < first.length && paths.every((folders) => folders[above] === first[above])) above++;
  const splitAt = [above, above + 1].find((at) => paths.every((folders) => splitOfFolder(folders[at]))) ?? -1;
  const rests = paths.map((folders) => folders.filter((_, i) => i >= above && i !== splitAt));
  const last = labels === "last-folder" || (labels !== "first-folder" && repeated(rests));
  return {
    known: pictures.map((place, i) => ({
      place,
      label: last ? rests[i]!.at(-1) : rests[i]![0],
      split: splitAt < 0 ? undefined : splitOfFolder(paths[i]![splitAt]),
    })),
    above,
    splitAt,
  };
}

/** Whether the innermost folders are the classes: the same few names come again and again in others, such as those of who took the pictures. */
function repeated(rests: readonly (readonly string[])[]): boolean {
  if (!rests.every((folders) => folders.length >= 2)) return false;
  const outer = new Set(rests.map(([folder]) => folder));
  const inner = new Set(rests.map((folders) => folders.at(-1)));
  const pairs = new Set(rests.map((folders) => `${folders[0]}/${folders.at(-1)}`));
  return outer.size > 1 && inner.size > outer.size && pairs.size > 1.5 * inner.size;
}

function tablesWin(said: readonly TableLabels[], pictures: number, folders: readonly Known[], labels: LayoutOptions["labels"]): boolean {
  if (!said.length) return false;
  const known = new Set(said.flatMap(({ of }) => [...of.keys()]));
  return labels === "table" || known.size >= KNOWN_BY_TABLE * pictures || new Set(folders.map(({ label }) => label)).size < 2;
}

/** Where tables do not say the split, folders may. */
function fromTables(said: readonly TableLabels[], folders: readonly Known[]): Known[] {
  return folders.map(({ place, split }) => {
    const table = said.find(({ of }) => of.has(place))?.of.get(place);
    return { place, label: table?.label, split: table?.split ?? split };
  });
}

function splitsOf(
  known: readonly Known[],
  indexOf: ReadonlyMap<string, number>,
  bad: (got: string, fix: string) => TrainyardError,
): Layout["splits"] {
  const given = known.every(({ split }) => split);
  const parts = splitNames.flatMap((name) => {
    const some = known.filter(({ split }) => (given ? (split ?? "train") : "train") === name);
    return some.length
      ? [[name, { places: some.map(({ place }) => place), targets: Int32Array.from(some, ({ label }) => indexOf.get(label!)!) }] as const]
      : [];
  });
  const splits = Object.fromEntries(parts) as Partial<Record<SplitName, Part>>;
  if (!splits.train) throw bad("holds no pictures to train on, only such to test on", "Add a folder train with a folder for each class.");
  return { ...splits, train: splits.train };
}

const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? "" : "s"}`;

function lostRows({ path, lost, firstLost }: TableLabels): Note[] {
  if (!lost) return [];
  const message = `${count(lost, "row")} name pictures that are not there, the first is "${firstLost}"`;
  return [{ code: "missing", where: path, message, fix: "Add these pictures, or remove the rows." }];
}

function emptyFolders({ folders, files }: Listing, { above, splitAt }: ByFolders, labels: readonly string[]): Note[] {
  const depth = splitAt === above ? above + 1 : above;
  const known = new Set(labels);
  // Many an archive has no entries for its folders.
  const all = sorted(new Set([...folders, ...files.map(({ name }) => dirname(name))]));
  const withFolders = new Set(all.map((folder) => dirname(folder)));
  const empty = all.filter((folder) => {
    const parts = folder.split("/");
    return parts.length === depth + 1 && !known.has(parts[depth]!) && !splitOfFolder(parts[depth]) && !withFolders.has(folder);
  });
  return empty.map((folder) => ({
    code: "small_class",
    where: folder,
    message: `the folder "${basename(folder)}" holds no pictures, so there is no such class`,
    fix: "Add pictures of it, or remove the folder.",
  }));
}

function unlabelled(known: readonly Known[]): Note[] {
  const without = known.filter(({ label }) => !label);
  if (!without.length) return [];
  const first = without[0]!.place.name;
  const message = `${count(without.length, "picture")} without a class ${without.length === 1 ? "is" : "are"} left out`;
  return [{ code: "missing", where: first, message, fix: "Put them into the folder of their class, or add them to the table." }];
}

/** Archives beside the pictures: what is in them may have been meant, too. */
function leftOut({ files }: Listing): Note[] {
  const others = files.filter(({ name }) => isArchive(name));
  if (!others.length) return [];
  const message = `${count(others.length, "archive")} within the archive ${others.length === 1 ? "is" : "are"} left out`;
  return [{ code: "missing", where: others[0]!.name, message, fix: "Unpack what is in it, and pack the pictures themselves." }];
}
