/** Datasets by name, and the one for any table. */
import { loadCsv, loadFashionMnist, loadIris, loadMnist } from "../../data/index.ts";
import { type DatasetKind, dataset } from "../../engine/kinds.ts";
import { choice, integer, number, text } from "../../shared/define.ts";
import { fail } from "../../shared/errors.ts";

const testFraction = number({ default: 0.2, min: 0.01, max: 0.99, help: "Share of the rows held out for the final evaluation." });
const splitSeed = integer({ default: 1, min: 0, help: "Draws the test rows: the same seed and file, the same rows." });

export const datasets: readonly DatasetKind[] = [
  dataset({
    id: "mnist",
    title: "MNIST",
    summary: "70,000 handwritten digits, 28 by 28 pixels in grey; 60,000 to train on, 10,000 to test.",
    reference: "http://yann.lecun.com/exdb/mnist/",
    tasks: ["classification"],
    suggestedModel: "cnn",
    params: {},
    load: (_, path) => loadMnist({ path }),
  }),
  dataset({
    id: "fashion-mnist",
    title: "Fashion-MNIST",
    summary: "70,000 pictures of clothes in ten classes, 28 by 28 pixels in grey; 60,000 to train on, 10,000 to test.",
    reference: "https://arxiv.org/abs/1708.07747",
    tasks: ["classification"],
    suggestedModel: "cnn",
    params: {},
    load: (_, path) => loadFashionMnist({ path }),
  }),
  dataset({
    id: "iris",
    title: "Iris",
    summary: "150 irises of three species, each with four measured lengths.",
    reference: "https://doi.org/10.1111/j.1469-1809.1936.tb02137.x",
    tasks: ["classification"],
    suggestedModel: "mlp",
    params: { testFraction, splitSeed },
    load: ({ testFraction, splitSeed }) => loadIris({ testFraction, seed: splitSeed }),
  }),
  dataset({
    id: "csv",
    title: "CSV file",
    summary: "Any table with a header, numeric columns and a column to predict.",
    tasks: ["classification", "regression"],
    suggestedModel: "mlp",
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
    load({ label, task, testFraction, splitSeed }, path) {
      if (!path)
        throw fail("BAD_USAGE", {
          problem: 'dataset "csv" needs a file',
          fix: "Name it: trainyard train table.csv, or trainyard train csv --path table.csv.",
        });
      return loadCsv({ path, label: label || undefined, task: task === "auto" ? undefined : task, testFraction, seed: splitSeed });
    },
  }),
];
