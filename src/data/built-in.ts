/** Imports the built-in datasets of pictures: finds their files, opens them as pictures in two splits, and writes the snapshot. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Preview } from "../shared/profile.ts";
import { cifarSource } from "./arrays/cifar.ts";
import { digitsFile, digitsSource } from "./arrays/digits.ts";
import { type EmnistVariant, openEmnist } from "./arrays/emnist.ts";
import { mnistSource } from "./arrays/mnist.ts";
import { previewPictures } from "./arrays/preview.ts";
import { svhnSource } from "./arrays/svhn.ts";
import { type ImportContext, type PictureSource, type SplitParams, splitParams } from "./importing.ts";
import { writePictures } from "./pictures/write.ts";
import type { Imported } from "./snapshot.ts";
import { type Located, locate, type Sources } from "./sources.ts";

/** How files, once found, are read. What has to be unpacked goes into the folder. */
export type Reader = (located: Located, directory: string) => Promise<Opened>;
interface Opened {
  readonly source: PictureSource;
  /** To be called when all is read. */
  close?(): void;
}

export const readers = {
  mnist:
    (labels: readonly string[]): Reader =>
    async (located) => ({ source: await mnistSource(located, labels) }),
  cifar: (): Reader => async (located, directory) => ({ source: await cifarSource(located, directory) }),
  svhn: (): Reader => async (located) => ({ source: await svhnSource(located.get("train_32x32.mat")!, located.get("test_32x32.mat")!) }),
  emnist:
    (variant: EmnistVariant): Reader =>
    (located) =>
      openEmnist(located, variant),
  digits: (): Reader => async (located) => ({ source: await digitsSource(located.get(digitsFile)!) }),
};

/** Finds and opens the files for as long as `use` takes. */
async function using<T>(sources: Sources, read: Reader, context: ImportContext, use: (source: PictureSource) => Promise<T>): Promise<T> {
  const unpacked = join(context.directory, "unpacked");
  try {
    const { source, close } = await read(await locate(sources, context), unpacked);
    try {
      return await use(source);
    } finally {
      close?.();
    }
  } finally {
    await rm(unpacked, { recursive: true, force: true });
  }
}

/** @throws FILE_NOT_FOUND, DOWNLOAD_FAILED, BAD_FILE and their kin */
export const importBuiltIn = (sources: Sources, read: Reader, params: Partial<SplitParams>, context: ImportContext): Promise<Imported> =>
  using(sources, read, context, (source) => writePictures(source, completed(params), context));

/** What an import would find. */
export const previewBuiltIn = (sources: Sources, read: Reader, format: string, context: ImportContext): Promise<Preview> =>
  using(sources, read, context, async (source) => previewPictures(source, format));

/** How pictures come to their splits, with the defaults of what a dataset does not let choose. */
const completed = (params: Partial<SplitParams>): SplitParams =>
  Object.fromEntries(
    Object.entries(splitParams).map(([name, param]) => [name, params[name as keyof SplitParams] ?? param.default]),
  ) as unknown as SplitParams;
