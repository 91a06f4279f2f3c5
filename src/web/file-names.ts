/** Names that the platform takes, made of those that files have. */

/** Of a file of a dataset. */
export const plainName = (file: string): string =>
  file
    .replaceAll(/[^A-Za-z0-9._-]/g, "_")
    .replace(/^[^A-Za-z0-9]+/, "")
    .slice(-120) || "data";

/** Of a dataset, to begin with. */
export const datasetName = (file: string): string =>
  file
    .replace(/(\.tar)?\.[^.]+$/, "")
    .replaceAll(/[^A-Za-z0-9._ -]/g, "-")
    .replace(/^[^A-Za-z0-9]+/, "")
    .slice(0, 100);

/** What reads files, by what their endings say; a table beside pictures has their labels. */
export const sourceOf = (endings: readonly (string | undefined)[]): string => endings.find((one) => one !== undefined) ?? "table";
