/** Looks through text for what would stop DuckDB further down, or pass it unseen: NUL, lines without end, line ends of several kinds, bytes that are no UTF-8. */
import { isAscii, isUtf8 } from "node:buffer";
import { createReadStream } from "node:fs";
import { fail, type TrainyardError } from "../../shared/errors.ts";
import { MOST_LINE } from "./options.ts";

const CHUNK = 2 ** 20;
const [LF, CR] = [0x0a, 0x0d];

/** NUL characters and lines that are too long, in UTF-8 that passes by. */
export class TextCheck {
  readonly #path: string;
  #line = 0; // bytes of the line under way
  #rows = 1;

  constructor(path: string) {
    this.#path = path;
  }

  /** Of the line under way, counted from 1. */
  get row(): number {
    return this.#rows;
  }

  /** @throws BAD_FILE */
  add(bytes: Buffer): void {
    const nul = bytes.indexOf(0);
    const first = bytes.indexOf(LF);
    if (nul >= 0) throw this.#bad(this.#rows + count(bytes.subarray(0, nul)), "text", "has a NUL character", "Remove it, or export the table again.");
    if (this.#line + (first < 0 ? bytes.length : first) > MOST_LINE)
      throw this.#bad(
        this.#rows,
        `of at most ${MOST_LINE / 2 ** 20} MiB`,
        "is longer",
        "Check that the lines of the file end, and export the table again.",
      );
    this.#line = first < 0 ? this.#line + bytes.length : bytes.length - 1 - bytes.lastIndexOf(LF);
    this.#rows += count(bytes);
  }

  #bad(row: number, want: string, got: string, fix: string): TrainyardError {
    return fail("BAD_FILE", { path: `${this.#path}, row ${row}`, want, got, fix });
  }
}

/** How many lines end in some bytes. */
function count(bytes: Uint8Array): number {
  let lines = 0;
  for (let at = bytes.indexOf(LF); at >= 0; at = bytes.indexOf(LF, at + 1)) lines++;
  return lines;
}

/**
 * Looks through a file that is UTF-8 as far as was looked: at the speed of the disk, as all of it is done natively.
 * @returns "even": DuckDB can read it as it is; "mixed": its line ends differ; "no UTF-8"
 * @throws BAD_FILE
 */
export async function checkText(path: string, signal?: AbortSignal): Promise<"even" | "mixed" | "no UTF-8"> {
  const ends = { lf: false, crlf: false, cr: false };
  let carried: Buffer = Buffer.alloc(0);
  let [beyondAscii, wasCr, line, before] = [false, false, 0, 0];
  for await (const chunk of createReadStream(path, { highWaterMark: CHUNK, signal })) {
    const bytes = carried.length ? Buffer.concat([carried, chunk as Buffer]) : (chunk as Buffer);
    const whole = bytes.subarray(0, wholeCharacters(bytes));
    if (!isUtf8(whole)) {
      if (!beyondAscii) return "no UTF-8";
      const row = await rowAt(path, before);
      const fix = "Save the file as UTF-8 again, or say what it is in (encoding=windows-1252).";
      throw fail("BAD_FILE", {
        path: `${path}, row ${row} or a little below`,
        want: "text in UTF-8, as it is above",
        got: "has bytes that are none",
        fix,
      });
    }
    const nul = whole.indexOf(0);
    if (nul >= 0) {
      const fix = "Remove it, or export the table again.";
      throw fail("BAD_FILE", { path: `${path}, row ${await rowAt(path, before + nul)}`, want: "text", got: "has a NUL character", fix });
    }
    beyondAscii ||= !isAscii(whole);
    const first = firstEnd(whole);
    if (line + (first < 0 ? whole.length : first) > MOST_LINE) {
      const fix = "Check that the lines of the file end, and export the table again.";
      const row = await rowAt(path, before);
      throw fail("BAD_FILE", { path: `${path}, row ${row}`, want: `of at most ${MOST_LINE / 2 ** 20} MiB`, got: "is longer", fix });
    }
    line = first < 0 ? line + whole.length : whole.length - 1 - Math.max(whole.lastIndexOf(LF), whole.lastIndexOf(CR));
    noteEnds(whole, wasCr, ends);
    wasCr = whole.at(-1) === CR;
    before += whole.length;
    carried = bytes.subarray(whole.length);
  }
  if (carried.length) return beyondAscii ? "even" : "no UTF-8"; // DuckDB tells the row of a last character that is cut off
  if (wasCr) ends.cr = true;
  return Number(ends.lf) + Number(ends.crlf) + Number(ends.cr) > 1 || ends.cr ? "mixed" : "even";
}

/** Bytes up to the last character that is whole: a UTF-8 character has at most 4. */
function wholeCharacters(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back]!;
    if (byte < 0x80) return bytes.length;
    if (byte >= 0xc0) return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

function firstEnd(bytes: Buffer): number {
  const [lf, cr] = [bytes.indexOf(LF), bytes.indexOf(CR)];
  return lf < 0 ? cr : cr < 0 ? lf : Math.min(lf, cr);
}

/** Which ends lines have. @param wasCr whether the bytes before ended with a carriage return */
function noteEnds(bytes: Buffer, wasCr: boolean, ends: { lf: boolean; crlf: boolean; cr: boolean }): void {
  const completes = wasCr && bytes[0] === LF;
  if (wasCr) ends[completes ? "crlf" : "cr"] = true;
  const from = completes ? 1 : 0;
  if (bytes.indexOf(CR) < 0) {
    if (bytes.indexOf(LF, from) >= 0) ends.lf = true;
    return;
  }
  for (let at = bytes.indexOf(LF, from); at >= 0 && !(ends.lf && ends.crlf); at = bytes.indexOf(LF, at + 1))
    ends[at > 0 && bytes[at - 1] === CR ? "crlf" : "lf"] = true;
  for (let at = bytes.indexOf(CR); at >= 0 && at < bytes.length - 1 && !ends.cr; at = bytes.indexOf(CR, at + 1))
    if (bytes[at + 1] !== LF) ends.cr = true;
}

/** The row of a byte, counted from 1. */
async function rowAt(path: string, byte: number): Promise<number> {
  let rows = 1;
  if (byte === 0) return rows;
  for await (const chunk of createReadStream(path, { end: byte - 1, highWaterMark: CHUNK })) rows += count(chunk as Buffer);
  return rows;
}
