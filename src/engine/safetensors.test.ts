/** The checkpoint format: what is written comes back bit for bit, also through Python's own reader, and what is broken is refused. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { decodeSafetensors, encodeSafetensors, type SafetensorsFile } from "./safetensors.ts";

const python = process.env.TRAINYARD_PYTHON;

/** Numbers whose bits are easily lost: a subnormal, minus zero, infinities, and a length that is no multiple of 8 bytes. */
const file: SafetensorsFile = {
  tensors: new Map([
    ["dense1.weight", { shape: [2, 3], data: Float32Array.of(0.1, -0, 1e-45, 3.4028235e38, Number.POSITIVE_INFINITY, -1 / 3) }],
    ["dense1.bias", { shape: [3], data: Float32Array.of(1, 2, 3) }],
    ["scalar", { shape: [], data: Float32Array.of(7) }],
    ["nothing", { shape: [0, 4], data: new Float32Array(0) }],
  ]),
  metadata: { position: '{"epoch":3}', note: "größer als „ä“" },
};
const written = () => Buffer.concat(encodeSafetensors(file));

test("what is written comes back, bit for bit", () => {
  expect(decodeSafetensors(written(), "a.safetensors")).toEqual(file);
});

test("a view into a larger array is written alone", () => {
  const data = Float32Array.of(9, 1, 2, 9).subarray(1, 3);
  const bytes = Buffer.concat(encodeSafetensors({ tensors: new Map([["w", { shape: [2], data }]]), metadata: {} }));
  expect(decodeSafetensors(bytes, "a").tensors.get("w")?.data).toEqual(Float32Array.of(1, 2));
});

test("tensors start at a multiple of 8 bytes, so that a reader may map them", () => {
  const bytes = written();
  expect(Number(bytes.readBigUInt64LE(0)) % 8).toBe(0);
});

describe("a broken file is refused, naming the path:", () => {
  const header = (entries: unknown, body = 0) => {
    const text = Buffer.from(typeof entries === "string" ? entries : JSON.stringify(entries));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(text.length));
    return Buffer.concat([length, text, Buffer.alloc(body)]);
  };
  const entry = { dtype: "F32", shape: [2], data_offsets: [0, 8] };
  const whole = written();
  test.each<[string, Uint8Array, string]>([
    ["an empty file", new Uint8Array(0), "it has 0 bytes"],
    ["a header that is cut off", whole.subarray(0, 40), `its header of ${whole.readBigUInt64LE(0)} bytes is cut off after 32`],
    ["a text file", Buffer.from("\xff\x0f\0\0\0\0\0\0no checkpoint", "latin1"), "its header of 4095 bytes is cut off after 13"],
    ["a header that is no JSON", header("{ nonsense"), "its header is not JSON"],
    ["a header that is no object", header("null"), "its header is null"],
    ["tensors that are cut off", whole.subarray(0, -3), `tensor "scalar" is cut off: the file has ${whole.length - 3} of ${whole.length} bytes`],
    ["an entry that says nothing", header({ w: null }), 'its header does not describe tensor "w"'],
    ["a negative length", header({ w: { ...entry, shape: [-2, -1] } }, 8), 'its header does not describe tensor "w"'],
    ["half precision", header({ w: { ...entry, dtype: "F16" } }, 8), 'tensor "w" is F16'],
    ["a shape that does not fit the bytes", header({ w: { ...entry, shape: [3] } }, 8), 'tensor "w" has 8 bytes for [3]'],
  ])("%s", (_, bytes, got) => {
    let error: unknown;
    try {
      decodeSafetensors(bytes, "runs/a/last.safetensors");
    } catch (e) {
      error = e;
    }
    expect(error).toMatchObject({
      code: "BAD_FILE",
      message: `runs/a/last.safetensors must be a safetensors file that Trainyard wrote, but ${got}`,
      fix: "Use a file that Trainyard wrote, complete.",
    });
  });
});

const title = "Python's safetensors reads what is written, and what it writes is read";
if (!python) test.skip(`${title} (TRAINYARD_PYTHON names no Python)`, () => {});
else
  test(title, () => {
    const folder = mkdtempSync(join(tmpdir(), "trainyard-"));
    const [ours, theirs] = [join(folder, "ours.safetensors"), join(folder, "theirs.safetensors")];
    writeFileSync(ours, written());
    const script = `
import sys
from safetensors import safe_open
from safetensors.numpy import save_file
with safe_open(sys.argv[1], "np") as f:
    save_file({name: f.get_tensor(name) for name in f.keys()}, sys.argv[2], metadata=f.metadata())
`;
    execFileSync(python, ["-c", script, ours, theirs]);
    expect(decodeSafetensors(readFileSync(theirs), theirs)).toEqual(file);
    rmSync(folder, { recursive: true });
  });
