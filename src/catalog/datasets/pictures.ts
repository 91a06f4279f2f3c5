/** A user's own pictures, in files. */
import { splitParams } from "../../data/importing.ts";
import { dataset } from "../../data/kinds.ts";
import { choice, integer, text } from "../../shared/define.ts";
import { forPictures } from "./usual-steps.ts";

const data = () => import("../../data/index.ts");
const side = (what: string) => integer({ default: 0, min: 0, max: 512, help: `${what} that all are brought to; 0: as the pictures suggest it.` });

const { validationFraction, testFraction, splitSeed } = splitParams;

export const pictures = dataset({
  id: "pictures",
  title: "Pictures",
  summary: "Pictures of one's own, in a ZIP or tar archive or a folder: a folder for each class, or a table with the class of each.",
  tasks: ["classification"],
  suggestedModel: "cnn",
  preprocessing: forPictures,
  params: {
    width: side("Width in pixels"),
    height: side("Height in pixels"),
    channels: choice({ default: "auto", options: ["auto", "1", "3"], help: "1: grey. 3: colour. auto: grey if those looked at are." }),
    labels: choice({
      default: "auto",
      options: ["auto", "first-folder", "last-folder", "table"],
      help: "What says the class of a picture: the outermost or innermost folder it lies in, or a table beside them (CSV, TSV, JSON lines, Excel). auto: what fits.",
    }),
    labelColumn: text({ default: "", help: "The column with the classes, where a table says them; empty: the one called label, class or the like." }),
    split: choice({
      default: "auto",
      options: ["auto", "stratified", "random", "given"],
      help: "How pictures are split. auto: as folders called train, validation and test say, or the table; else stratified by class.",
    }),
    splitColumn: text({ default: "", help: "The column of the table that says train, validation or test; empty: the one called split or the like." }),
    validationFraction,
    testFraction,
    splitSeed,
  },
  importFiles: async (params, context) => (await data()).importPictures(params, context),
  preview: async (params, context) => (await data()).previewPictures(params, context),
});
