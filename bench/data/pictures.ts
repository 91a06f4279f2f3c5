/**
 * How long a ZIP archive of JPEG pictures takes to a snapshot of small ones, profile included; beside it Pillow, which reads the
 * same archive with two processes and writes arrays. Prints the table of bench/data.md.
 * Run: npm run build && node --conditions=source --import tsx bench/data/pictures.ts [--python .venv/bin/python] [--pictures 10000]
 */
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Zip, ZipDeflate } from "fflate";
import sharp from "sharp";
import { random } from "../../src/shared/random.ts";

const turns = 3;
const [classes, side, small] = [10, 256, 32];

const dist = new URL("../../dist/", import.meta.url);
/** Imports the archive as the compiled program does, and prints seconds and peak memory. */
async function one(path: string): Promise<void> {
  const { pictures } = await import(new URL("catalog/datasets/pictures.js", dist).href);
  const { resolveParams } = await import(new URL("shared/define.js", dist).href);
  const directory = mkdtempSync(join(tmpdir(), "bench-pictures-"));
  const params = resolveParams("pictures", pictures.params, { width: small, height: small, channels: "3" });
  const began = performance.now();
  const { profile } = await pictures.importFiles(params, { path, directory });
  const seconds = (performance.now() - began) / 1000;
  rmSync(directory, { recursive: true });
  const { train, validation, test } = profile.records;
  process.stdout.write(JSON.stringify({ seconds, megabytes: process.resourceUsage().maxRSS / 1024, records: train + validation + test }));
}

const pillow = `
import io, os, sys, tempfile, time, zipfile
from multiprocessing import Pool
import numpy as np
from PIL import Image
path, small, draft = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "draft"
def some(names):
    out = np.empty((len(names), 3, small, small), np.uint8)
    with zipfile.ZipFile(path) as archive:
        for i, name in enumerate(names):
            picture = Image.open(io.BytesIO(archive.read(name)))
            if draft: picture.draft("RGB", (small, small))
            out[i] = np.asarray(picture.convert("RGB").resize((small, small), Image.Resampling.BILINEAR)).transpose(2, 0, 1)
    return out
if __name__ == "__main__":
    began = time.perf_counter()
    with zipfile.ZipFile(path) as archive: names = sorted(archive.namelist())
    pieces = [names[i:i + 128] for i in range(0, len(names), 128)]
    with Pool(2) as pool: pictures = np.concatenate(pool.map(some, pieces, chunksize=1))
    labels = sorted({name.split("/")[0] for name in names})
    targets = np.array([labels.index(name.split("/")[0]) for name in names], np.int32)
    folder = tempfile.mkdtemp()
    np.save(os.path.join(folder, "pictures.npy"), pictures)
    np.save(os.path.join(folder, "targets.npy"), targets)
    print(time.perf_counter() - began)
`;

/** Clouds at every scale, as photographs have them: sums of smoothed noise, each half as strong as the one twice as large. */
async function clouds(size: number, seed: number): Promise<Uint8Array> {
  const sum = new Float32Array(3 * size * size).fill(128);
  for (let cells = 4; cells <= size; cells *= 2) {
    const noise = Uint8Array.from(random(seed, cells).fillUniform(new Float32Array(3 * cells * cells), 0, 256));
    const layer = await sharp(noise, { raw: { width: cells, height: cells, channels: 3 } })
      .resize(size, size, { kernel: "cubic" })
      .raw()
      .toBuffer();
    const strength = 1.6 / Math.sqrt(cells);
    for (let i = 0; i < sum.length; i++) sum[i]! += strength * (layer[i]! - 128);
  }
  return Uint8ClampedArray.from(sum) as unknown as Uint8Array;
}

/** An archive of pictures cut from clouds, a folder for each class, deflated as zip does it. */
async function archive(path: string, count: number): Promise<void> {
  const size = 2048;
  const fields = await Promise.all(Array.from({ length: 4 }, (_, i) => clouds(size, i)));
  const file = createWriteStream(path);
  const zip = new Zip((error, chunk) => {
    if (error) throw error;
    file.write(chunk);
  });
  const draw = random("pictures");
  const picture = (): Promise<Buffer> => {
    const [field, left, top] = [fields[draw.below(fields.length)]!, draw.below(size - side), draw.below(size - side)];
    const pixels = new Uint8Array(3 * side * side);
    for (let y = 0; y < side; y++) {
      const start = 3 * ((top + y) * size + left);
      pixels.set(field.subarray(start, start + 3 * side), 3 * side * y);
    }
    return sharp(pixels, { raw: { width: side, height: side, channels: 3 } })
      .jpeg({ quality: 85 })
      .toBuffer();
  };
  for (let i = 0; i < count; i += 4)
    for (const [n, jpeg] of (await Promise.all([picture(), picture(), picture(), picture()])).entries()) {
      const entry = new ZipDeflate(`class-${(i + n) % classes}/${String(i + n).padStart(5, "0")}.jpg`, { level: 6 });
      zip.add(entry);
      entry.push(jpeg, true);
    }
  zip.end();
  file.end();
  await once(file, "close");
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

async function main(python: string | undefined, count: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "bench-pictures-"));
  const path = join(folder, "pictures.zip");
  await archive(path, count);
  const ours: { seconds: number; megabytes: number; records: number }[] = [];
  const theirs = { plain: [] as number[], draft: [] as number[] };
  const self = fileURLToPath(import.meta.url);
  const flags = ["--import", "tsx"];
  for (let turn = 0; turn < turns; turn++) {
    ours.push(JSON.parse(execFileSync(process.execPath, [...flags, self, "--one", path], { encoding: "utf8" })));
    if (!python) continue;
    for (const kind of ["plain", "draft"] as const)
      theirs[kind].push(Number(execFileSync(python, ["-c", pillow, path, String(small), kind], { encoding: "utf8" })));
  }
  const seconds = median(ours.map(({ seconds }) => seconds));
  console.log(`${ours[0]!.records} pictures, ${(statSync(path).size / ours[0]!.records / 1000).toFixed(1)} kB each`);
  console.log("| | seconds | pictures a second | peak memory | ratio |");
  console.log("| --- | --- | --- | --- | --- |");
  const row = (name: string, s: number, memory: string) =>
    console.log(`| ${name} | ${s.toFixed(2)} | ${Math.round(count / s)} | ${memory} | ${(s / seconds).toFixed(2)} x |`);
  row("Trainyard, profile and duplicates included", seconds, `${Math.round(median(ours.map(({ megabytes }) => megabytes)))} MB`);
  if (python) row("Pillow, two processes", median(theirs.plain), "");
  if (python) row("Pillow, two processes, `draft` asks libjpeg for less", median(theirs.draft), "");
  rmSync(folder, { recursive: true });
}

const option = (name: string): string | undefined => {
  const at = process.argv.indexOf(name);
  return at < 0 ? undefined : process.argv[at + 1];
};
const path = option("--one");
if (path) await one(path);
else await main(option("--python"), Number(option("--pictures") ?? 10_000));
