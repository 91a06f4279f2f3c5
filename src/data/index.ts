/** The door of data/: every way in which samples come in, and how they are split. */
export { importArrays, previewArrays } from "./arrays/import.ts";
export { importBuiltIn, previewBuiltIn, readers } from "./built-in.ts";
export { importPictures, previewPictures } from "./pictures/import.ts";
export { packFolder } from "./pictures/pack.ts";
export { readPicture } from "./pictures/picture.ts";
export { pictureUri } from "./pictures/picture-uri.ts";
export { previewSteps } from "./preview-steps.ts";
export { findRows } from "./records.ts";
export { readRows } from "./rows.ts";
export { seedFiles } from "./seed.ts";
export { locate } from "./sources.ts";
export { splitValidation } from "./splits.ts";
export { importTable } from "./tables/import.ts";
export { tableFiles } from "./tables/load.ts";
export { previewTable } from "./tables/preview.ts";
