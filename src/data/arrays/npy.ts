/**
 * NumPy's files: .npy, an array, and .npz, a ZIP archive of them. Layout:
 * https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 * The header is a Python dictionary; it is taken apart, never evaluated. Arrays of objects are pickles, and refused.
 */
import { basename } from "node:path";
import { printable } from "../../shared/errors.ts";
import { type Dtype, dtypes, type FileArray, sizeOf } from "./array.ts";
import { type Blocks, blocksOf, broken, openFile, openRaw } from "./blocks.ts";
import { openZip, type ZipMember } from "./zip.ts";

/** Texts of a fixed length: [n] of them are read as labels alone. */
export interface TextArray extends Omit<FileArray, "dtype"> {
  readonly dtype: "text";
  /** Characters of each, and bytes of each of these: 4 (UTF-32) or 1. */
  readonly length: number;
  readonly unit: 1 | 4;
}
export type NpyArray = FileArray | TextArray;

const MAGIC = "\x93NUMPY";
const mostHeader = 2 ** 20;

interface Header {
  readonly kind: Dtype | { readonly length: number; readonly unit: 1 | 4 };
  readonly bigEndian: boolean;
  readonly shape: readonly number[];
  readonly fortran: boolean;
  /** Bytes before the values. */
  readonly start: number;
}

/** The array in a .npy file. @throws FILE_NOT_FOUND, BAD_FILE */
export async function readNpy(path: string): Promise<NpyArray> {
  const file = await openFile(path, "NumPy file");
  const { size } = await file.stat();
  await file.close();
  const blocks = await openRaw(path, "NumPy file");
  try {
    const header = await readHeader(blocks, path);
    checkSize(header, size, path);
    const { start } = header;
    return arrayOf(header, path, basename(path).replace(/\.npy$/i, ""), () => openRaw(path, "NumPy file", start), { path, start });
  } finally {
    await blocks.close();
  }
}

export interface Npz {
  readonly arrays: readonly NpyArray[];
  close(): void;
}

/** The arrays in a .npz file, by which they are read until it is closed. @throws FILE_NOT_FOUND, BAD_FILE */
export async function openNpz(path: string): Promise<Npz> {
  const zip = await openZip(path);
  try {
    const arrays: NpyArray[] = [];
    for (const member of zip.members.filter(({ name }) => /\.npy$/i.test(name))) arrays.push(await readMember(member, path));
    if (!arrays.length) throw broken(path, "an archive of .npy arrays", `holds ${zip.members.length} other files`);
    return { arrays, close: () => zip.close() };
  } catch (error) {
    zip.close();
    throw error;
  }
}

async function readMember(member: ZipMember, archive: string): Promise<NpyArray> {
  const path = `${archive}: ${printable(member.name)}`;
  const open = async () =>
    blocksOf(await member.open(), (cause) => broken(path, "a complete NumPy file", `unpacking it failed (${cause.message})`, cause));
  const blocks = await open();
  try {
    const header = await readHeader(blocks, path);
    checkSize(header, member.size, path);
    return arrayOf(header, path, member.name.replace(/\.npy$/i, ""), async () => {
      const blocks = await open();
      await blocks.fill(new Uint8Array(header.start));
      return blocks;
    });
  } finally {
    await blocks.close();
  }
}

function arrayOf(header: Header, path: string, name: string, open: () => Promise<Blocks>, place?: FileArray["place"]): NpyArray {
  const { kind, bigEndian, shape, fortran } = header;
  const common = { path, name, bigEndian, shape, fortran, ...(place && { place }), open };
  return typeof kind === "string" ? { ...common, dtype: kind } : { ...common, dtype: "text", ...kind };
}

async function readHeader(blocks: Blocks, path: string): Promise<Header> {
  const read = async (bytes: number) => {
    const into = Buffer.alloc(bytes);
    const got = await blocks.fill(into);
    if (got < bytes) throw broken(path, "a NumPy file", got === 0 && bytes === 8 ? "is empty" : "ends within its header");
    return into;
  };
  const start = await read(8);
  if (start.toString("latin1", 0, 6) !== MAGIC) throw broken(path, "a NumPy file", "does not begin as one");
  const [major, minor] = [start[6]!, start[7]!];
  if (major < 1 || major > 3) throw broken(path, "a NumPy file of version 1, 2 or 3", `is of version ${major}.${minor}`);
  const sizeBytes = major === 1 ? 2 : 4;
  const length = (await read(sizeBytes)).readUIntLE(0, sizeBytes);
  if (length > mostHeader) throw broken(path, "a NumPy file", `its header has ${length} bytes`);
  const text = (await read(length)).toString(major === 3 ? "utf8" : "latin1");
  return { ...described(text, path), start: 8 + sizeBytes + length };
}

/** Takes `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }` apart. */
function described(text: string, path: string): Omit<Header, "start"> {
  const fields = new Map<string, string>();
  let rest = text.trim();
  const refuse = (got: string) => broken(path, "a NumPy file", got, undefined, "Save it again with numpy.save or numpy.savez.");
  if (!rest.startsWith("{") || !rest.endsWith("}")) throw refuse("its header is no dictionary");
  rest = rest.slice(1, -1).trim();
  if (/["']descr["']\s*:\s*\[/.test(rest))
    throw broken(path, "an array of numbers", "is a structured array", undefined, "Save each of its fields as an array.");
  while (rest) {
    const [whole, key, value] = /^['"](\w+)['"]\s*:\s*(True|False|['"][^'"]*['"]|\([\d, L]*\))\s*(?:,\s*|$)/.exec(rest) ?? [];
    if (whole === undefined || key === undefined || value === undefined) throw refuse("its header is none that NumPy writes");
    fields.set(key, value);
    rest = rest.slice(whole.length);
  }
  const [descr, order, sizes] = ["descr", "fortran_order", "shape"].map((key) => fields.get(key));
  if (!descr || (order !== "True" && order !== "False") || !sizes?.startsWith("(")) throw refuse("its header lacks descr, fortran_order or shape");
  const shape = sizes.match(/\d+/g)?.map(Number) ?? [];
  if (!Number.isSafeInteger(sizeOf(shape))) throw refuse("its shape is beyond all measure");
  return { ...typeOf(descr.slice(1, -1), path), shape, fortran: order === "True" };
}

function typeOf(descr: string, path: string): Pick<Header, "kind" | "bigEndian"> {
  const [, order = "", letter = "", digits = ""] = /^([<>|=]?)([A-Za-z])(\d*)$/.exec(descr) ?? [];
  const name = `${letter}${digits}`;
  if (letter === "O")
    throw broken(path, "an array of numbers", "holds Python objects, which are not read", undefined, "Save it as numbers: x.astype('float32').");
  if (Object.hasOwn(dtypes, name)) return { kind: name as Dtype, bigEndian: order === ">" && digits !== "1" };
  if (letter === "U" || letter === "S") return { kind: { length: Number(digits), unit: letter === "U" ? 4 : 1 }, bigEndian: order === ">" };
  const want = `an array of one of ${Object.keys(dtypes).join(", ")}`;
  throw broken(path, want, `is of "${printable(descr)}"`, undefined, "Save it as another type: x.astype('float32').");
}

function checkSize({ kind, shape, start }: Header, size: number, path: string): void {
  const bytes = typeof kind === "string" ? dtypes[kind].BYTES_PER_ELEMENT : kind.length * kind.unit;
  const want = start + sizeOf(shape) * bytes;
  if (size < want) throw broken(path, `${want} bytes long (its header says ${shape.join(" x ") || "one value"})`, `has ${size} bytes`);
}

/** All texts of an array, in order. @throws BAD_FILE */
export async function allTexts(array: TextArray): Promise<string[]> {
  const { path, length, unit, bigEndian, shape } = array;
  const count = sizeOf(shape);
  const bytes = Buffer.alloc(length * unit);
  const blocks = await array.open();
  const texts: string[] = [];
  try {
    for (let i = 0; i < count; i++) {
      if ((await blocks.fill(bytes)) < bytes.length) throw broken(path, `${count} texts`, `ends after ${i}`);
      let text = "";
      for (let at = 0; at < bytes.length; at += unit) {
        const code = unit === 1 ? bytes[at]! : bigEndian ? bytes.readUInt32BE(at) : bytes.readUInt32LE(at);
        if (code > 0x10ffff) throw broken(path, "of Unicode characters", `text ${i + 1} holds ${code}`);
        if (code !== 0) text += String.fromCodePoint(code);
      }
      texts.push(text);
    }
  } finally {
    await blocks.close();
  }
  return texts;
}
