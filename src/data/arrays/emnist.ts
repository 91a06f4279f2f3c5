/**
 * EMNIST, https://arxiv.org/abs/1702.05373: IDX files for each of six ways to divide the characters into classes, loose
 * or in the archive gzip.zip. Their pictures are stored column by column, and the labels of the letters begin at 1.
 */
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import type { PictureSource } from "../importing.ts";
import { broken, gunzipped } from "./blocks.ts";
import { type IdxFile, idxFile, idxPictures } from "./idx.ts";
import { openZip, type ZipMember } from "./zip.ts";

const upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const digits = "0123456789";
/** Where upper and lower case look alike they are one class. */
const merged = `${digits}${upper}abdefghnqrt`;

interface Variant {
  readonly labels: readonly string[];
  /** What the first class is called in the files. */
  readonly firstLabel: number;
  readonly train: number;
  readonly test: number;
}
export const variants = {
  letters: { labels: Array.from(upper), firstLabel: 1, train: 124_800, test: 20_800 },
  balanced: { labels: Array.from(merged), firstLabel: 0, train: 112_800, test: 18_800 },
  byclass: { labels: Array.from(`${digits}${upper}${upper.toLowerCase()}`), firstLabel: 0, train: 697_932, test: 116_323 },
  bymerge: { labels: Array.from(merged), firstLabel: 0, train: 697_932, test: 116_323 },
  digits: { labels: Array.from(digits), firstLabel: 0, train: 240_000, test: 40_000 },
  mnist: { labels: Array.from(digits), firstLabel: 0, train: 60_000, test: 10_000 },
} satisfies Record<string, Variant>;
export type EmnistVariant = keyof typeof variants;

export const archiveName = "gzip.zip";
const parts = ["train-images-idx3", "train-labels-idx1", "test-images-idx3", "test-labels-idx1"] as const;
/** Names of a variant's four files, in the order of `parts`, and of its mapping. */
export const emnistFiles = (variant: EmnistVariant): readonly string[] => parts.map((part) => `emnist-${variant}-${part}-ubyte.gz`);
export const mappingFile = (variant: EmnistVariant): string => `emnist-${variant}-mapping.txt`;

/**
 * @param located the archive, or the variant's files
 * @returns the pictures, and what closes the archive once they are read
 * @throws FILE_NOT_FOUND, BAD_FILE
 */
export async function openEmnist(located: ReadonlyMap<string, string>, variant: EmnistVariant): Promise<{ source: PictureSource; close(): void }> {
  const { labels, firstLabel } = variants[variant];
  const archive = located.get(archiveName);
  const zip = archive === undefined ? undefined : await openZip(archive);
  try {
    const members = new Map(zip?.members.map((member) => [basename(member.name), member]));
    const file = (name: string) => (archive === undefined ? idxFile(located.get(name)!) : idxMember(archive, name, members.get(name)));
    const mapping = mappingFile(variant);
    const text = archive === undefined ? await mappingAt(located.get(mapping)) : await members.get(mapping)?.open().then(textOf);
    if (text !== undefined) checkMapping(text, variant, located.get(mapping) ?? `${archive}: ${mapping}`);
    const [trainPictures, trainLabels, testPictures, testLabels] = emnistFiles(variant).map(file) as [IdxFile, IdxFile, IdxFile, IdxFile];
    const options = { firstLabel, turned: true };
    const train = await idxPictures(trainPictures, trainLabels, labels.length, options);
    const test = await idxPictures(testPictures, testLabels, labels.length, options);
    const splits = { train: train.stream, test: test.stream };
    return { source: { pictureShape: train.pictureShape, labels, task: "classification", splits }, close: () => zip?.close() };
  } catch (error) {
    zip?.close();
    throw error;
  }
}

function idxMember(archive: string, name: string, member: ZipMember | undefined): IdxFile {
  const path = `${archive}: ${name}`;
  if (!member) throw broken(archive, `EMNIST's archive with ${name}`, "does not have it");
  return { path, open: async () => ({ blocks: gunzipped(await member.open(), path) }) };
}

const mappingAt = (path: string | undefined): Promise<string> | undefined => (path === undefined ? undefined : readFile(path, "utf8"));

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  let text = "";
  for await (const chunk of stream) {
    text += chunk;
    if (text.length > 1e5) break; // no mapping is nearly so long
  }
  return text;
}

/** A mapping has a line for each class: its label, then the codes of its characters, upper case first. */
function checkMapping(text: string, variant: EmnistVariant, path: string): void {
  const { labels, firstLabel } = variants[variant];
  const lines = text.trim().split(/\r?\n/);
  const wrong = labels.findIndex((label, i) => {
    const [at, code] = (lines[i] ?? "").trim().split(/\s+/).map(Number);
    return at !== firstLabel + i || code !== label.charCodeAt(0);
  });
  if (lines.length === labels.length && wrong < 0) return;
  const got = wrong < 0 ? `has ${lines.length}` : `line ${wrong + 1} is "${(lines[wrong] ?? "").slice(0, 40)}"`;
  throw broken(path, `the mapping of EMNIST's ${labels.length} classes of "${variant}"`, got, undefined, `Use the published file, or leave it out.`);
}
