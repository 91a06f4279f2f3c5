/** A user's own arrays: those in a file or folder, and which of them are samples and targets of which split. */
import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import type { SplitName } from "../../shared/dataset.ts";
import { fail, printable, showShape } from "../../shared/errors.ts";
import { openError } from "../files.ts";
import { sizeOf } from "./array.ts";
import { broken } from "./blocks.ts";
import { idxFile, readIdx } from "./idx.ts";
import { type NpyArray, openNpz, readNpy } from "./npy.ts";

export interface Collection {
  /** What was given. */
  readonly path: string;
  readonly arrays: readonly NpyArray[];
  /** npy, npz or idx. */
  readonly format: string;
  close(): void;
}

/** Endings of names, and how such a file is read. IDX has none that is sure. */
const isNpy = (name: string) => /\.npy$/i.test(name);
const isNpz = (name: string) => /\.npz$/i.test(name);
const isIdx = (name: string) => /idx\d?-?ubyte|\.idx$|idx\d$/i.test(name.replace(/\.gz$/i, ""));

/** @throws FILE_NOT_FOUND, BAD_FILE, BAD_USAGE */
export async function openCollection(path: string): Promise<Collection> {
  const what = await stat(path).catch((cause) => {
    throw openError(path, "file or folder of arrays", "Check the path.", cause);
  });
  const files = what.isDirectory()
    ? (await readdir(path, { withFileTypes: true }))
        .filter((entry) => entry.isFile() && !entry.name.startsWith("."))
        .map(({ name }) => name)
        .sort()
        .map((name) => join(path, name))
    : [path];
  const open: (() => void)[] = [];
  const arrays: NpyArray[] = [];
  const formats = new Set<string>();
  const close = () => {
    for (const one of open) one();
  };
  try {
    for (const file of files) {
      const name = basename(file);
      if (isNpz(name)) {
        const npz = await openNpz(file);
        open.push(npz.close);
        arrays.push(...npz.arrays);
        formats.add("npz");
      } else if (isNpy(name)) {
        arrays.push(await readNpy(file));
        formats.add("npy");
      } else if (isIdx(name) || files.length === 1) {
        arrays.push(await readIdx(idxFile(file)));
        formats.add("idx");
      }
    }
    if (!arrays.length)
      throw broken(path, "a folder with .npy, .npz or IDX files", `has ${files.length} other files`, undefined, "Give the folder with the arrays.");
    return { path, arrays, format: [...formats].join(", "), close };
  } catch (error) {
    close();
    throw error;
  }
}

export interface Pair {
  readonly samples: NpyArray;
  readonly targets: NpyArray;
}
export type Pairs = Partial<Record<SplitName, Pair>> & { readonly train: Pair };
/** Names that a user gives; "": to be found. */
export interface Names {
  readonly inputs: string;
  readonly target: string;
  readonly testInputs: string;
  readonly testTarget: string;
}

const splitWords: readonly (readonly [SplitName, RegExp])[] = [
  ["test", /test|t10k/],
  ["validation", /validation|valid|val|dev/],
  ["train", /train|training/],
];
const inputWords = /^(x|images?|pictures?|data|inputs?|features?|samples?|arr0)$/;
const targetWords = /^(y|labels?|targets?|class(es)?|arr1)$/;

/** What a name says: x_train, train-images-idx3-ubyte, testLabels. */
function roleOf(name: string): { split: SplitName; role: "samples" | "targets" } | undefined {
  let rest = basename(name)
    .toLowerCase()
    .replace(/idx\d|ubyte|\.idx/g, "")
    .replace(/[^a-z0-9]/g, "");
  let split: SplitName = "train";
  for (const [one, word] of splitWords)
    if (word.test(rest)) {
      split = one;
      rest = rest.replace(word, "").replace(/^(ing|ation)|(ing|ation)$/, "");
      break;
    }
  const role = inputWords.test(rest) ? "samples" : targetWords.test(rest) ? "targets" : undefined;
  return role && { split, role };
}

/** @throws BAD_PARAMETER, BAD_USAGE, BAD_FILE */
export function pairsOf({ path, arrays }: Collection, names: Names): Pairs {
  const listed = arrays.map(({ name, shape }) => `"${printable(name)}" ${showShape(shape)}`).join(", ");
  const named = (parameter: keyof Names) => {
    const name = names[parameter];
    const array = arrays.find((one) => one.name === name);
    if (!array) throw fail("BAD_PARAMETER", { where: path, name: parameter, want: `one of ${listed}`, got: `"${name}"` });
    return array;
  };
  const found: Record<SplitName, Partial<Record<"samples" | "targets", NpyArray>>> = { train: {}, validation: {}, test: {} };
  for (const array of arrays) {
    const { split, role } = roleOf(array.name) ?? {};
    if (split && role) found[split][role] ??= array;
  }
  const [first, second] = arrays;
  if (arrays.length === 2 && !found.train.samples && !found.train.targets && first!.shape[0] === second!.shape[0]) {
    const targets = [second!, first!].find(isColumn); // two arrays without telling names: the one with a value for each row
    if (targets) found.train = { targets, samples: targets === first ? second! : first! };
  }
  if (names.inputs) found.train.samples = named("inputs");
  if (names.target) found.train.targets = named("target");
  if (names.testInputs) found.test.samples = named("testInputs");
  if (names.testTarget) found.test.targets = named("testTarget");
  const { train, validation, test } = found;
  if (!train.samples || !train.targets)
    throw fail("BAD_USAGE", {
      problem: `${path} has ${listed}: which of them are the ${train.samples ? "targets" : "samples"} is not clear`,
      fix: "Say it with the parameters inputs and target, or name the arrays x and y, or x_train, y_train, x_test, y_test.",
    });
  const whole = (pair: Partial<Pair>): pair is Pair => pair.samples !== undefined && pair.targets !== undefined;
  const pairs: Pairs = { train: train as Pair, ...(whole(validation) && { validation }), ...(whole(test) && { test }) };
  for (const pair of Object.values(pairs)) checkPair(pair, pairs.train.samples);
  return pairs;
}

const isColumn = ({ shape }: NpyArray): boolean => shape.length === 1 || sizeOf(shape.slice(1)) === 1;

function checkPair({ samples, targets }: Pair, like: NpyArray): void {
  const [count] = samples.shape;
  if (!count)
    throw broken(samples.path, "an array with rows", `"${samples.name}" is of ${showShape(samples.shape)}`, undefined, "Give another array.");
  if (targets.shape[0] !== count)
    throw broken(
      targets.path,
      `${count} targets, one for each row of "${samples.name}"`,
      `"${targets.name}" is of ${showShape(targets.shape)}`,
      undefined,
      "Give arrays of equal length.",
    );
  if (samples.shape.slice(1).join() !== like.shape.slice(1).join())
    throw broken(
      samples.path,
      `rows of ${showShape(like.shape.slice(1))}, as "${like.name}" has`,
      `"${samples.name}" is of ${showShape(samples.shape)}`,
      undefined,
      "Give arrays of equal rows.",
    );
}
