/** What the tests of array readers share: streams read whole, folders with altered files, refusals as text. */
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "vitest";
import type { PictureStream } from "../src/data/importing.ts";

/** All pictures of a stream, one after the other. */
export async function pixelsOf(stream: PictureStream): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let next = 0;
  for await (const { at, pixels } of stream.pictures()) {
    for (let i = 0; i < at.length; i++) if (at[i] !== next++) throw new Error(`picture ${next - 1} is said to be ${at[i]}`);
    parts.push(pixels.slice());
  }
  if (next !== stream.targets.length) throw new Error(`${next} pictures for ${stream.targets.length} targets`);
  return Buffer.concat(parts);
}

export const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

export const temporary = (): string => mkdtempSync(join(tmpdir(), "trainyard-arrays-"));
/** A folder with these files. */
export function folderWith(files: Readonly<Record<string, Uint8Array>>): string {
  const folder = temporary();
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  return folder;
}
export const fileWith = (content: Uint8Array, name = "file"): string => join(folderWith({ [name]: content }), name);

/** Code, message and fix of what a promise is rejected with. */
export const refusal = (promise: Promise<unknown>): Promise<string | [string, string, string]> =>
  promise.then(
    () => "accepted",
    ({ code, message, fix }) => [code, message, fix],
  );

/** A picture as text: one line for each row, from blank to dark. */
export const drawn = (plane: Uint8Array, width: number): string[] =>
  Array.from({ length: plane.length / width }, (_, y) =>
    Array.from(plane.subarray(y * width, (y + 1) * width), (value) => " .:-=+*#%@"[Math.floor((value * 10) / 256)]).join(""),
  );

/** A test that needs files which a clone does not have; without them it is skipped, saying so. */
export const testWith = (path: string) =>
  existsSync(path) ? test : (title: string, _: () => Promise<void>, __?: number) => test.skip(`${title} (${path} is absent)`);

type Numbers = Uint8Array | Float32Array | Float64Array | Int32Array | BigInt64Array;
const descr = { Uint8Array: "|u1", Float32Array: "<f4", Float64Array: "<f8", Int32Array: "<i4", BigInt64Array: "<i8" } as const;
/** A .npy file. */
export function npy(shape: readonly number[], values: Numbers): Buffer {
  const header = `{'descr': '${descr[values.constructor.name as keyof typeof descr]}', 'fortran_order': False, 'shape': (${shape.join(", ")},), }\n`;
  const head = Buffer.alloc(10);
  head.write("\x93NUMPY\x01\x00", "latin1");
  head.writeUInt16LE(header.length, 8);
  return Buffer.concat([head, Buffer.from(header), new Uint8Array(values.buffer, values.byteOffset, values.byteLength)]);
}
