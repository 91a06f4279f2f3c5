/** Iris: 150 flowers of three species, four lengths in cm. R. A. Fisher, 1936; the file of the UCI repository, with its two known slips (flowers 35 and 38). */
import { fileURLToPath } from "node:url";
import type { Dataset } from "../shared/dataset.ts";
import { type CsvOptions, loadCsv } from "./csv.ts";

/** The file ships with the package; src/data and dist/data lie equally deep. */
const path = fileURLToPath(new URL("../../data/iris.csv", import.meta.url));

export function loadIris(options: Pick<CsvOptions, "testFraction" | "seed"> = {}): Promise<Dataset> {
  return loadCsv({ ...options, path, label: "species" });
}
