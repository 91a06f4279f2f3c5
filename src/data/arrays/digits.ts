/** The digits that come with scikit-learn: a line of 64 numbers from 0 to 16 and a digit for each picture of 8 x 8. */
import type { PictureSource } from "../importing.ts";
import { broken, openUnpacked } from "./blocks.ts";

export const digitsFile = "digits.csv.gz";
const [side, darkest] = [8, 16];
/** The published file has 484 kB unpacked. */
const mostBytes = 64 * 2 ** 20;

/** Values become bytes from 0 to 255, so that the pictures are like any others; nothing is lost by it. @throws FILE_NOT_FOUND, BAD_FILE */
export async function digitsSource(path: string): Promise<PictureSource> {
  const lines = (await textOf(path)).split(/\r?\n/).filter((line) => line !== "");
  const pixels = new Uint8Array(lines.length * side * side);
  const targets = new Int32Array(lines.length);
  for (const [row, line] of lines.entries()) {
    const values = line.split(",").map(Number);
    const bad = values.findIndex((value, i) => !Number.isInteger(value) || value < 0 || value > (i === side * side ? 9 : darkest));
    if (values.length !== side * side + 1) throw broken(path, "lines of 65 numbers", `line ${row + 1} has ${values.length}`);
    if (bad >= 0)
      throw broken(
        path,
        "numbers from 0 to 16 and a digit",
        `number ${bad + 1} of line ${row + 1} is ${line.split(",")[bad]!.slice(0, 40) || "missing"}`,
      );
    for (let i = 0; i < side * side; i++) pixels[row * side * side + i] = Math.round((values[i]! * 255) / darkest);
    targets[row] = values[side * side]!;
  }
  if (lines.length === 0) throw broken(path, "lines of 65 numbers", "has none");
  return {
    pictureShape: [1, side, side],
    labels: Array.from("0123456789"),
    task: "classification",
    splits: {
      train: {
        targets,
        async *pictures() {
          yield { at: Int32Array.from(targets, (_, i) => i), pixels };
        },
      },
    },
  };
}

async function textOf(path: string): Promise<string> {
  const { blocks } = await openUnpacked(path, "file of digits");
  try {
    const parts: Buffer[] = [];
    for (let total = 0; ; ) {
      const part = Buffer.alloc(2 ** 20);
      const got = await blocks.fill(part);
      parts.push(part.subarray(0, got));
      total += got;
      if (got < part.length) return Buffer.concat(parts).toString("latin1");
      if (total > mostBytes) throw broken(path, "the digits of scikit-learn", `has more than ${mostBytes} bytes`);
    }
  } finally {
    await blocks.close();
  }
}
