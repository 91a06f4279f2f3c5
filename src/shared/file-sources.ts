/** Which dataset of the catalog reads files of a name, by its ending: what CLI and web suggest. */

export const pictureEnding = /\.(png|jpe?g|webp|bmp|gif|tiff?|avif)$/i;
const readers: readonly (readonly [ending: RegExp, source: string])[] = [
  [/\.(npy|npz)$|(idx\d-ubyte|\.idx)(\.gz)?$/i, "arrays"],
  [/\.(zip|tar|tar\.gz|tgz)$/i, "pictures"],
  [pictureEnding, "pictures"],
];

/** Undefined where the ending says nothing: a table's forms are the rest. */
export const sourceByEnding = (name: string): string | undefined => readers.find(([ending]) => ending.test(name))?.[1];
