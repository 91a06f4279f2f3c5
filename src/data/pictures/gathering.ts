/** Files of an archive or folder as they are found, and what no honest one has: paths that lead out of it, links, one name twice, more than anyone packs. */
import { stat } from "node:fs/promises";
import { fail, type TrainyardError } from "../../shared/errors.ts";
import { cleanPath, isHidden } from "./names.ts";
import type { Listing, Place } from "./places.ts";

export const mostFiles = 1_000_000;
/** All files of an archive, unpacked. */
const mostBytes = 2 ** 36;
/** An archive that unpacks to more than so many times its size, and to more than LARGE bytes, was made to fill a disk. */
const MOST_RATIO = 200;
const LARGE = 2 ** 30;

const ofFormat = { zip: "a ZIP archive", tar: "a tar archive", folder: "a folder" } as const;
const bombFix = "If these are your pictures, pack them in several archives, and import each.";

export class Gathering {
  readonly #path: string;
  readonly #format: Listing["format"];
  readonly #size: number;
  readonly #modified: number;
  readonly #files = new Map<string, Place>();
  readonly #folders = new Set<string>();
  #count = 0;
  #bytes = 0;

  private constructor(path: string, format: Listing["format"], size: number, modified: number) {
    this.#path = path;
    this.#format = format;
    this.#size = size;
    this.#modified = modified;
  }

  static async at(path: string, format: Listing["format"]): Promise<Gathering> {
    const { size, mtimeMs } = await stat(path);
    return new Gathering(path, format, size, mtimeMs);
  }

  /** The archive's or folder's error. */
  refuse(got: string, fix: string, cause?: unknown): TrainyardError {
    return fail("BAD_FILE", { path: this.#path, want: `${ofFormat[this.#format]} of pictures`, got, fix }, cause);
  }

  /** Bytes that came out of the archive. @throws BAD_FILE when it holds more than an honest one */
  unpacked(bytes: number): void {
    this.#bytes += bytes;
    if (this.#format === "folder") return;
    if (this.#bytes > mostBytes) throw this.refuse(`unpacks to more than ${mostBytes} bytes`, bombFix);
    if (this.#bytes > LARGE && this.#bytes > MOST_RATIO * this.#size)
      throw this.refuse(`unpacks to more than ${MOST_RATIO} times its ${this.#size} bytes, as none with pictures does`, bombFix);
  }

  /** The path of an entry; undefined for what systems hide. @throws BAD_FILE */
  pathOf(name: string): string | undefined {
    if (++this.#count > mostFiles) throw this.refuse(`holds more than ${mostFiles} files`, bombFix);
    const clean = cleanPath(name);
    if ("wrong" in clean) throw this.refuse(`holds "${name}": ${clean.wrong}`, "Pack the folder anew, with paths that begin in it.");
    return clean.path === "" || isHidden(clean.path) ? undefined : clean.path;
  }

  link(name: string): TrainyardError {
    return this.refuse(`holds the link "${name}"`, "Put the file itself in its place, or leave it out.");
  }

  folder(path: string): void {
    this.#folders.add(path);
  }

  /** @throws BAD_FILE */
  file(place: Place): void {
    if (this.#files.has(place.name)) throw this.refuse(`holds "${place.name}" twice`, "Leave one of them out, or give it another name.");
    this.#files.set(place.name, place);
  }

  listing(): Listing {
    const files = [...this.#files.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    return {
      path: this.#path,
      format: this.#format,
      files,
      folders: [...this.#folders],
      unchanged: () => this.#unchanged(),
      changed: (name) => this.#changed(name),
    };
  }

  async #unchanged(): Promise<void> {
    if (this.#format === "folder") return; // each file tells by itself
    const now = await stat(this.#path).catch(() => undefined);
    if (now?.size !== this.#size || now.mtimeMs !== this.#modified) throw this.#changed();
  }

  #changed(name?: string): TrainyardError {
    const got = name === undefined ? "changed while it was read" : `holds "${name}", which changed while it was read`;
    return this.refuse(got, "Import it again once nobody writes to it.");
  }
}
