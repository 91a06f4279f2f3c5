/** The door of data/: every way in which samples come in, and how they are split. */
export { loadCsv } from "./csv.ts";
export { loadFashionMnist } from "./fashion-mnist.ts";
export { loadIris } from "./iris.ts";
export { loadMnist } from "./mnist.ts";
export { readPicture } from "./picture.ts";
export { packFolder } from "./pictures/pack.ts";
export { readRows } from "./rows.ts";
export { splitValidation } from "./splits.ts";
