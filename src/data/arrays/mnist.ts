/** Collections in MNIST's layout: four IDX files, pictures and labels to train on and to test. */
import type { PictureSource } from "../importing.ts";
import { broken } from "./blocks.ts";
import { idxFile, idxPictures } from "./idx.ts";

export const mnistFiles = [
  "train-images-idx3-ubyte.gz",
  "train-labels-idx1-ubyte.gz",
  "t10k-images-idx3-ubyte.gz",
  "t10k-labels-idx1-ubyte.gz",
] as const;

/** @throws FILE_NOT_FOUND, BAD_FILE */
export async function mnistSource(located: ReadonlyMap<string, string>, labels: readonly string[]): Promise<PictureSource> {
  const [trainPictures, trainLabels, testPictures, testLabels] = mnistFiles.map((name) => idxFile(located.get(name)!));
  const train = await idxPictures(trainPictures!, trainLabels!, labels.length);
  const test = await idxPictures(testPictures!, testLabels!, labels.length);
  const [[, height, width], [, testHeight, testWidth]] = [train.pictureShape, test.pictureShape];
  if (height !== testHeight || width !== testWidth)
    throw broken(testPictures!.path, `of pictures of ${height} x ${width}, as those for training are`, `has ${testHeight} x ${testWidth}`);
  return { pictureShape: train.pictureShape, labels, task: "classification", splits: { train: train.stream, test: test.stream } };
}
