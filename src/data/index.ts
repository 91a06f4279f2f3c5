/** The door of data/: every way in which samples come in, and how they are split. */
export { type CsvOptions, loadCsv, readRows } from "./csv.ts";
export { loadFashionMnist } from "./fashion-mnist.ts";
export { loadIris } from "./iris.ts";
export { loadMnist } from "./mnist.ts";
export { readPicture } from "./picture.ts";
export { gather, splitValidation, takeSubset } from "./splits.ts";
