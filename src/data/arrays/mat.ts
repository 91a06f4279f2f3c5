/**
 * MATLAB's files of level 5 (versions 5 to 7), as far as arrays of numbers go. Layout:
 * https://www.mathworks.com/help/pdf_doc/matlab/matfile_format.pdf
 */
import { createReadStream } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { pipeline } from "node:stream";
import { createInflate } from "node:zlib";
import { show } from "../../shared/errors.ts";
import type { Dtype, FileArray } from "./array.ts";
import { type Blocks, blocksOf, broken, openFile, openRaw } from "./blocks.ts";

/** How values are stored: smaller than their class wherever that loses nothing. By the type of a data element. */
const stored: Readonly<Record<number, Dtype>> = { 1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8" };
const [MATRIX, COMPRESSED] = [14, 15];
/** Classes of arrays that hold numbers: mxDOUBLE_CLASS to mxUINT64_CLASS. */
const [firstNumeric, lastNumeric] = [6, 15];
const COMPLEX = 0x0800;
const headerBytes = 128;
/** Names and sizes of any array fit. */
const mostMetadata = 2 ** 16;

/**
 * The arrays of numbers in a file, by name. Their shapes are MATLAB's in reverse, because it stores the first axis
 * fastest: X of 32 x 32 x 3 x n has the shape [n, 3, 32, 32] here, each of its planes stored column by column.
 * @throws BAD_FILE, for other versions of the format, too
 */
export async function readMat(path: string): Promise<ReadonlyMap<string, FileArray>> {
  const file = await openFile(path, "MATLAB file");
  try {
    const { size } = await file.stat();
    const bigEndian = await checkVersion(file, path, size);
    const arrays = new Map<string, FileArray>();
    for (let next = headerBytes; next < size; ) {
      const start = next;
      const tag = await readAt(file, start, 8, path);
      const [type, bytes] = [u32(tag, 0, bigEndian), u32(tag, 4, bigEndian)];
      next += 8 + bytes; // elements of the outermost level are multiples of 8 bytes long, or compressed
      if (next > size) throw broken(path, `${next} bytes long, or longer`, `it ends after ${size}, within an array`);
      const open =
        type === COMPRESSED ? () => inflated(path, start + 8, bytes) : type === MATRIX ? () => openRaw(path, "MATLAB file", start) : undefined;
      const array = open && (await readArray(path, open, bigEndian));
      if (array) arrays.set(array.name, array);
    }
    return arrays;
  } finally {
    await file.close();
  }
}

/** @returns whether numbers are big-endian */
async function checkVersion(file: FileHandle, path: string, size: number): Promise<boolean> {
  const want = "a MATLAB file of version 5 to 7";
  const fix = "Save it in MATLAB with the option '-v7', or with scipy.io.savemat.";
  if (size < headerBytes) throw broken(path, want, `has ${size} bytes`);
  const head = Buffer.from(await readAt(file, 0, headerBytes, path));
  const text = head.toString("latin1", 0, 116);
  if (text.startsWith("MATLAB 7.3") || head.toString("latin1", 0, 8) === "\x89HDF\r\n\x1a\n")
    throw broken(path, want, "is of version 7.3 (HDF5)", undefined, fix);
  const order = head.toString("latin1", 126, 128);
  if (order === "IM" || order === "MI") {
    const version = order === "IM" ? head.readUInt16LE(124) : head.readUInt16BE(124);
    if (version === 0x0100) return order === "MI";
    throw broken(path, want, `its header says version ${show(version >> 8)}`, undefined, fix);
  }
  // Version 4 begins with its type, of which at least one byte is zero; later versions with a text.
  if (head.subarray(0, 4).includes(0)) throw broken(path, want, "is of version 4, or no MATLAB file", undefined, fix);
  throw broken(path, want, "does not begin as one", undefined, fix);
}

/** Reads the description of an array; undefined if it holds something else than numbers. */
async function readArray(path: string, open: () => Promise<Blocks>, bigEndian: boolean): Promise<FileArray | undefined> {
  const blocks = await open();
  try {
    const reader = new ElementReader(path, blocks, bigEndian);
    const outer = await reader.tag();
    if (outer.type !== MATRIX) return undefined;
    const flags = u32(await reader.metadata(), 0, bigEndian);
    const kind = flags & 0xff;
    const sizes = await reader.metadata();
    const name = Buffer.from(await reader.metadata()).toString("utf8");
    if (kind < firstNumeric || kind > lastNumeric) return undefined;
    if (flags & COMPLEX) throw broken(path, "of real numbers", `"${name}" is complex`, undefined, "Save its real part alone.");
    const { type, bytes } = await reader.tag();
    const dtype = stored[type];
    if (!dtype) throw broken(path, "a MATLAB file of numbers", `the values of "${name}" are of type ${type}`);
    const shape = Array.from({ length: sizes.length / 4 }, (_, i) => u32(sizes, 4 * i, bigEndian)).reverse();
    const at = reader.at;
    return {
      path,
      name,
      dtype,
      bigEndian,
      shape,
      fortran: false,
      async open() {
        const blocks = await open();
        await blocks.fill(new Uint8Array(at));
        return limited(blocks, bytes);
      },
    };
  } finally {
    await blocks.close();
  }
}

/** Reads data elements one after the other. */
class ElementReader {
  readonly #path: string;
  readonly #blocks: Blocks;
  readonly #bigEndian: boolean;
  #small: Uint8Array | undefined;
  /** Bytes so far. */
  at = 0;

  constructor(path: string, blocks: Blocks, bigEndian: boolean) {
    this.#path = path;
    this.#blocks = blocks;
    this.#bigEndian = bigEndian;
  }

  /** Type and length of the next element. One of at most four bytes may lie within its own tag. */
  async tag(): Promise<{ type: number; bytes: number }> {
    const tag = await this.#read(8);
    const first = u32(tag, 0, this.#bigEndian);
    this.#small = undefined;
    if (first >>> 16 === 0) return { type: first, bytes: u32(tag, 4, this.#bigEndian) };
    this.#small = tag.subarray(4);
    this.at -= 4; // what it holds begins within it
    return { type: first & 0xffff, bytes: first >>> 16 };
  }

  /** The whole next element, which must be small. */
  async metadata(): Promise<Uint8Array> {
    const { bytes } = await this.tag();
    if (this.#small) {
      this.at += 4;
      return this.#small.slice(0, bytes);
    }
    if (bytes > mostMetadata) throw broken(this.#path, "a MATLAB file", `the description of an array has ${bytes} bytes`);
    return (await this.#read(Math.ceil(bytes / 8) * 8)).subarray(0, bytes);
  }

  async #read(bytes: number): Promise<Uint8Array> {
    const into = new Uint8Array(bytes);
    const got = await this.#blocks.fill(into);
    if (got < bytes) throw broken(this.#path, "a complete MATLAB file", "ends within the description of an array");
    this.at += bytes;
    return into;
  }
}

function inflated(path: string, start: number, bytes: number): Promise<Blocks> {
  const inflate = createInflate({ chunkSize: 2 ** 20 });
  pipeline(createReadStream(path, { start, end: start + bytes - 1, highWaterMark: 2 ** 20 }), inflate, () => {}); // its errors come out of inflate
  return Promise.resolve(blocksOf(inflate, (cause) => broken(path, "a complete MATLAB file", `unpacking an array failed (${cause.message})`, cause)));
}

/** The next so many bytes, then the end. */
function limited(blocks: Blocks, bytes: number): Blocks {
  let left = bytes;
  return {
    async fill(into) {
      const got = await blocks.fill(into.subarray(0, left));
      left -= got;
      return got;
    },
    close: () => blocks.close(),
  };
}

const u32 = (bytes: Uint8Array, at: number, bigEndian: boolean): number => new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, !bigEndian);

async function readAt(file: FileHandle, at: number, bytes: number, path: string): Promise<Uint8Array> {
  const into = new Uint8Array(bytes);
  const { bytesRead } = await file.read(into, 0, bytes, at);
  if (bytesRead < bytes) throw broken(path, "a complete MATLAB file", `ends after ${at + bytesRead} bytes`);
  return into;
}
