/**
 * A Python batch of CIFAR-10 is a pickle, and a pickle is a program. This runs none: it compares the file, instruction
 * by instruction, with the only program that the published batches are, and takes the labels and the place of the
 * pictures out of it. Opcodes: CPython's Lib/pickletools.py, protocol 2.
 */
import { printable } from "../../shared/errors.ts";
import { broken } from "./blocks.ts";

const pictureBytes = 3072;
const numpy = {
  reconstruct: "cnumpy.core.multiarray\n_reconstruct\n",
  ndarray: "cnumpy\nndarray\n",
  dtype: "cnumpy\ndtype\n",
};

/** @returns a label for each picture, and where in the file the first picture begins. @throws BAD_FILE */
export function readPythonBatch(bytes: Buffer, path: string): { labels: Int32Array; dataStart: number } {
  const reader = new Reader(bytes, path);
  reader.expect("\x80\x02", "}", "(");
  let labels: Int32Array | undefined;
  let data: { count: number; start: number } | undefined;
  while (!reader.accept("u.")) {
    const key = reader.text();
    if (key === "batch_label") reader.text();
    else if (key === "labels") labels = reader.integers();
    else if (key === "filenames") reader.texts();
    else if (key === "data") data = reader.pictures();
    else throw reader.refuse(`has "${printable(key.slice(0, 40))}"`);
  }
  if (!labels || !data) throw reader.refuse(`has no ${labels ? "data" : "labels"}`);
  if (labels.length !== data.count) throw reader.refuse(`has ${labels.length} labels for ${data.count} pictures`);
  return { labels, dataStart: data.start };
}

class Reader {
  readonly #bytes: Buffer;
  readonly #path: string;
  #at = 0;

  constructor(bytes: Buffer, path: string) {
    this.#bytes = bytes;
    this.#path = path;
  }

  refuse(got: string): Error {
    return broken(
      this.#path,
      "a Python batch of CIFAR-10 as it was published",
      got,
      undefined,
      "Use the published file; other pickles are not read.",
    );
  }

  #cutOff(): Error {
    return broken(this.#path, "a complete Python batch of CIFAR-10", `ends after ${this.#bytes.length} bytes`);
  }

  /** Moves on if these bytes come next. Values that are remembered for later (BINPUT, LONG_BINPUT) are passed over: nothing recalls them. */
  accept(text: string): boolean {
    if (this.#bytes.toString("latin1", this.#at, this.#at + text.length) !== text) return false;
    this.#at += text.length;
    while (this.#bytes[this.#at] === 0x71) this.#at += 2;
    while (this.#bytes[this.#at] === 0x72) this.#at += 5;
    return true;
  }

  /** Each must come next; what is remembered may stand between them. */
  expect(...texts: readonly string[]): void {
    for (const text of texts)
      if (!this.accept(text)) {
        if (this.#at + text.length > this.#bytes.length) throw this.#cutOff();
        throw this.refuse(`differs from it at byte ${this.#at}`);
      }
  }

  #take(bytes: number): number {
    const at = this.#at;
    if (at + bytes > this.#bytes.length) throw this.#cutOff();
    this.#at += bytes;
    return at;
  }

  /** SHORT_BINSTRING. */
  text(): string {
    if (this.#bytes[this.#at] !== 0x55) this.expect("U");
    const length = this.#bytes[this.#take(2) + 1]!;
    const at = this.#take(length);
    const text = this.#bytes.toString("latin1", at, at + length);
    this.accept("");
    return text;
  }

  /** A list of texts: EMPTY_LIST, MARK, …, APPENDS. Long ones come in parts. */
  texts(): void {
    this.expect("]");
    while (this.accept("(")) while (!this.accept("e")) this.text();
  }

  /** A list of small integers. */
  integers(): Int32Array {
    const found: number[] = [];
    this.expect("]");
    while (this.accept("(")) while (!this.accept("e")) found.push(this.integer());
    return Int32Array.from(found);
  }

  /** BININT1, BININT2 or BININT. */
  integer(): number {
    const kind = this.#bytes[this.#at];
    if (kind === 0x4b) return this.#bytes[this.#take(2) + 1]!;
    if (kind === 0x4d) return this.#bytes.readUInt16LE(this.#take(3) + 1);
    if (kind === 0x4a) return this.#bytes.readInt32LE(this.#take(5) + 1);
    this.expect("K");
    return 0;
  }

  /** numpy.ndarray of uint8 [count, 3072], and the BINSTRING with its bytes. */
  pictures(): { count: number; start: number } {
    this.expect(numpy.reconstruct, numpy.ndarray, "K\x00", "\x85", "U\x01b", "\x87", "R", "(", "K\x01");
    const [count, width] = [this.integer(), this.integer()];
    this.expect("\x86", numpy.dtype, "U\x02u1", "K\x00", "K\x01", "\x87", "R");
    this.expect("(", "K\x03", "U\x01|", "N", "N", "N", "J\xff\xff\xff\xff", "J\xff\xff\xff\xff", "K\x00", "t", "b", "\x89");
    if (width !== pictureBytes) throw this.refuse(`has rows of ${width} bytes`);
    if (this.#bytes[this.#at] !== 0x54) this.expect("T");
    const length = this.#bytes.readUInt32LE(this.#take(5) + 1);
    if (length !== count * pictureBytes) throw this.refuse(`has ${length} bytes for ${count} pictures`);
    const start = this.#take(length);
    this.accept("");
    this.expect("t", "b");
    return { count, start };
  }
}
