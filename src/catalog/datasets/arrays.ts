/** A user's own arrays, in NumPy's files or IDX. */
import { splitParams } from "../../data/importing.ts";
import { dataset } from "../../data/kinds.ts";
import { choice, integers, text, texts } from "../../shared/define.ts";
import { forPictures, forTables } from "./usual-steps.ts";

const data = () => import("../../data/index.ts");
const byName = (what: string, names: string) => text({ default: "", help: `Name of the array with ${what}; empty: the one called ${names}.` });

const { validationFraction, testFraction, splitSeed } = splitParams;
const params = {
  inputs: byName("the samples", "x, x_train, data, images or the like"),
  target: byName("their targets", "y, y_train, target, labels or the like"),
  testInputs: byName("the samples to test on", "x_test or the like; without one they are drawn"),
  testTarget: byName("the targets to test on", "y_test or the like"),
  labels: texts({ default: [], help: "Names of the classes 0, 1, …; empty: the values themselves." }),
  pictureShape: integers({ default: [], min: 1, help: "Channels, height, width of pictures that come as flat rows." }),
  layout: choice({
    default: "auto",
    options: ["auto", "channels-first", "channels-last"],
    help: "Where the channels of pictures are: [n, channels, height, width] or [n, height, width, channels].",
  }),
  task: choice({
    default: "auto",
    options: ["auto", "classification", "regression"],
    help: "auto: classification for texts, one-hot rows, booleans, and integers from 0 of at most 100 values.",
  }),
  split: choice({
    default: "auto",
    options: ["auto", "stratified", "random", "given"],
    help: "How rows are split. auto: as the arrays say (x_train, x_test), else stratified by class, else random.",
  }),
  validationFraction,
  testFraction,
  splitSeed,
};

export const arrays = dataset({
  id: "arrays",
  title: "Arrays",
  summary: "Arrays of one's own, in .npz, .npy or IDX files: pictures, or rows of numbers, with a class or a value for each.",
  reference: "https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html",
  tasks: ["classification", "regression"],
  suggestedModel: "mlp",
  preprocessing: forPictures,
  tablePreprocessing: forTables,
  params,
  importFiles: async (params, context) => (await data()).importArrays({ ...params, splitColumn: "" }, context),
  preview: async (params, context) => (await data()).previewArrays({ ...params, splitColumn: "" }, context),
});
