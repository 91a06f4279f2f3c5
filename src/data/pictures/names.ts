/** What names of files say: which are pictures, which are tables, which nobody put there on purpose, and which may not be used at all. */
import { validateFileName } from "yauzl";

/** What systems put beside people's files. */
const clutter = new Set(["__MACOSX", "Thumbs.db", "ehthumbs.db", "desktop.ini"]);
/** Of one part of a path. */
const isHiddenPart = (part: string): boolean => part.startsWith(".") || clutter.has(part);
export const isHidden = (path: string): boolean => path.split("/").some(isHiddenPart);

const endingOf = (path: string): string => /\.([^./]+)$/.exec(path)?.[1]?.toLowerCase() ?? "";
const among = (...endings: string[]) => {
  const known = new Set(endings);
  return (path: string): boolean => known.has(endingOf(path));
};
export const isPicture = among("png", "jpg", "jpeg", "jpe", "jfif", "webp", "bmp", "dib", "gif", "tif", "tiff", "avif");
export const isTable = among("csv", "tsv", "txt", "xlsx", "jsonl", "ndjson", "parquet");
export const isArchive = among("zip", "tar", "gz", "tgz", "bz2", "xz", "7z", "rar", "zst");
/** Neither a picture nor something else by its name: its content may tell. */
export const isUnnamed = (path: string): boolean => !/\.[a-z]\w*$/i.test(path);

/**
 * The path of a file in an archive, its parts joined by "/", without "." among them, its letters composed (macOS takes "ä" for two).
 * @returns what is wrong with it, for one that leads out of the archive or is none
 */
export function cleanPath(name: string): { readonly path: string } | { readonly wrong: string } {
  const slashed = name.replaceAll("\\", "/");
  if (slashed.includes("\0")) return { wrong: "its name holds a zero byte" };
  const problem = validateFileName(slashed);
  if (problem) return { wrong: slashed.startsWith("/") || /^[a-z]:/i.test(slashed) ? "its path is absolute" : "its path leads out of the archive" };
  const parts = slashed.split("/").filter((part) => part !== "" && part !== ".");
  return { path: parts.join("/").normalize("NFC") };
}

/** By their values where all are numbers, else by their characters. */
export function sorted(names: Iterable<string>): string[] {
  const all = [...names];
  const numbers = all.every((name) => name.trim() !== "" && Number.isFinite(Number(name)));
  return all.sort((a, b) => (numbers && Number(a) - Number(b)) || (a < b ? -1 : a > b ? 1 : 0));
}
