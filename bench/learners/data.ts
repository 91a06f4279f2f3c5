/** Data of the comparison as raw files, the same bytes for both sides. */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { adultEncoder, adultRows, isRich } from "../../test/adult.ts";
import type { Case } from "./cases.ts";

export interface Part {
  readonly inputs: Float32Array | Uint8Array;
  readonly targets: Int32Array;
  readonly count: number;
  readonly features: number;
}
export interface Data {
  readonly train: Part;
  readonly test: Part;
  readonly labels: readonly string[];
  /** What pictures are divided by for those that read scaled values. */
  readonly scale?: number;
}

/** @param tables the folder of adult-train.csv and adult-test.csv (UCI's adult.data and adult.test) @param rows of the training rows, at most */
export function load(name: Case["data"], tables: string, rows = Number.POSITIVE_INFINITY): Data {
  const { train, ...data } = name === "fashion" ? fashion() : adult(tables, name === "adult");
  const count = Math.min(rows, train.count);
  const first = { ...train, count, inputs: train.inputs.subarray(0, count * train.features), targets: train.targets.subarray(0, count) };
  return { ...data, train: first };
}

function fashion(): Data {
  const listed = execFileSync("dpkg", ["-L", "dataset-fashion-mnist"], { encoding: "utf8" }).split("\n");
  const idx = (name: string) => gunzipSync(readFileSync(listed.find((path) => path.endsWith(`${name}.gz`))!));
  const part = (which: string): Part => {
    const [pictures, labels] = [idx(`${which}-images-idx3-ubyte`), idx(`${which}-labels-idx1-ubyte`)];
    const inputs = new Uint8Array(pictures.subarray(16));
    return { inputs, targets: Int32Array.from(labels.subarray(8)), count: inputs.length / 784, features: 784 };
  };
  return { train: part("train"), test: part("t10k"), labels: Array.from({ length: 10 }, (_, i) => String(i)), scale: 255 };
}

/** 32,561 and 16,281 rows. */
function adult(folder: string, oneHot: boolean): Data {
  const [train, test] = ["adult-train.csv", "adult-test.csv"].map((file) => adultRows(readFileSync(join(folder, file), "utf8"))) as [
    string[][],
    string[][],
  ];
  const encode = adultEncoder(train, oneHot);
  const part = (rows: readonly (readonly string[])[]): Part => {
    const encoded = rows.map(encode);
    return {
      inputs: Float32Array.from(encoded.flat()),
      targets: Int32Array.from(rows, isRich),
      count: rows.length,
      features: encoded[0]!.length,
    };
  };
  return { train: part(train), test: part(test), labels: ["<=50K", ">50K"] };
}

/** Writes a part where the peer reads it. */
export function written(folder: string, name: string, { inputs, targets, count, features }: Part) {
  const files = { inputs: join(folder, `${name}.inputs`), targets: join(folder, `${name}.targets`) };
  writeFileSync(files.inputs, new Uint8Array(inputs.buffer, inputs.byteOffset, inputs.byteLength));
  writeFileSync(files.targets, new Uint8Array(targets.buffer, targets.byteOffset, targets.byteLength));
  return { ...files, dtype: inputs instanceof Uint8Array ? "uint8" : "float32", rows: count, features };
}
