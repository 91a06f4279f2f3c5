/** SVHN's cropped digits, http://ufldl.stanford.edu/housenumbers: MATLAB files with X, 32 x 32 x 3 x n, and y, n labels from 1 to 10, where 10 is the digit 0. */
import { showShape } from "../../shared/errors.ts";
import type { PictureSource, PictureStream } from "../importing.ts";
import { allNumbers, sizeOf } from "./array.ts";
import { broken } from "./blocks.ts";
import { transposed } from "./idx.ts";
import { readMat } from "./mat.ts";
import { consecutive } from "./pictures.ts";

const pictureShape = [3, 32, 32] as const;

/** @throws FILE_NOT_FOUND, BAD_FILE */
export async function svhnSource(train: string, test: string): Promise<PictureSource> {
  const [training, held] = await Promise.all([pictures(train), pictures(test)]);
  return { pictureShape, labels: Array.from("0123456789"), task: "classification", splits: { train: training, test: held } };
}

async function pictures(path: string): Promise<PictureStream> {
  const arrays = await readMat(path);
  const [x, y] = [arrays.get("X"), arrays.get("y")];
  if (!x || !y)
    throw broken(path, 'a file of SVHN with arrays "X" and "y"', `has ${[...arrays.keys()].map((name) => `"${name}"`).join(", ") || "none"}`);
  const [count = 0, ...picture] = x.shape;
  if (x.dtype !== "u1" || x.shape.length !== 4 || count === 0 || picture.join() !== pictureShape.join())
    throw broken(path, "of pictures of 32 x 32 x 3 bytes", `X is of ${x.dtype} ${showShape([...x.shape].reverse())}`);
  if (sizeOf(y.shape) !== count) throw broken(path, `${count} labels, one for each picture`, `has ${sizeOf(y.shape)}`);
  const targets = Int32Array.from(await allNumbers(y));
  const stray = targets.findIndex((label) => label < 1 || label > 10);
  if (stray >= 0) throw broken(path, "of labels from 1 to 10", `label ${stray + 1} of ${count} is ${targets[stray]}`);
  for (let i = 0; i < count; i++) targets[i]! %= 10;
  return consecutive(x, targets, { arrange: transposed(...pictureShape) });
}
