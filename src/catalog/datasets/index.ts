/** Datasets by name, and the one for any table. */
import { type DatasetKind, dataset } from "../../data/kinds.ts";
import { choice, integer, number, text } from "../../shared/define.ts";
import { fail } from "../../shared/errors.ts";
import { arrays } from "./arrays.ts";
import { builtInPictures } from "./built-in.ts";
import { forTables } from "./usual-steps.ts";

const testFraction = number({ default: 0.2, min: 0.01, max: 0.99, help: "Share of the rows held out for the final evaluation." });
const splitSeed = integer({ default: 1, min: 0, help: "Draws the test rows: the same seed and file, the same rows." });

/** The loaders bring native libraries, which whoever only reads the catalog does not need. */
const data = () => import("../../data/index.ts");

export const datasets: readonly DatasetKind[] = [
  ...builtInPictures,
  dataset({
    id: "iris",
    title: "Iris",
    summary: "150 irises of three species, each with four measured lengths.",
    reference: "https://doi.org/10.1111/j.1469-1809.1936.tb02137.x",
    tasks: ["classification"],
    suggestedModel: "mlp",
    facts: {
      task: "classification",
      sampleShape: [4],
      features: ["sepal_length", "sepal_width", "petal_length", "petal_width"].map((name) => ({ name, type: "number" })),
      labels: ["Iris-setosa", "Iris-versicolor", "Iris-virginica"],
      records: { train: 120, test: 30 },
    },
    preprocessing: forTables,
    params: { testFraction, splitSeed },
    load: async ({ testFraction, splitSeed }) => (await data()).loadIris({ testFraction, seed: splitSeed }),
  }),
  dataset({
    id: "csv",
    title: "CSV file",
    summary: "Any table with a header, numeric columns and a column to predict.",
    tasks: ["classification", "regression"],
    suggestedModel: "mlp",
    preprocessing: forTables,
    params: {
      label: text({ default: "", help: "The column to predict; empty: the one named label, class, target or species, else the last." }),
      task: choice({
        default: "auto",
        options: ["auto", "classification", "regression"],
        help: "auto: classification for text or few distinct integers.",
      }),
      testFraction,
      splitSeed,
    },
    async load({ label, task, testFraction, splitSeed }, path) {
      if (!path)
        throw fail("BAD_USAGE", {
          problem: 'dataset "csv" needs a file',
          fix: "Name it: trainyard train table.csv, or trainyard train csv --path table.csv.",
        });
      return (await data()).loadCsv({ path, label: label || undefined, task: task === "auto" ? undefined : task, testFraction, seed: splitSeed });
    },
  }),
  arrays,
];
