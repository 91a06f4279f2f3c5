/** One record of the test split that a run never saw, as it came: to try its model with. */
import { decimal } from "../../../data/raw.ts";
import type { DatasetSource, ExampleView } from "../../../shared/api/schemas.ts";
import { NO_DATE, type Snapshot } from "../../../shared/dataset.ts";
import { fail } from "../../../shared/errors.ts";
import type { Kernel } from "../../kernel.ts";
import { openTensors, readRange } from "../artifacts/tensors.ts";
import { runEntity } from "../runs/run.ts";

/** A list of classes and columns that is longer is not read for one record. */
const MOST_BYTES = 4 * 2 ** 20;

/**
 * @param wanted its place in the test split; any when left out
 * @throws ARTIFACT_MISSING for data that are not kept here
 */
export async function getExample(kernel: Kernel, id: string, wanted: number | undefined): Promise<ExampleView> {
  const { state } = await runEntity.get(kernel.db.query, id);
  const stored = (name: string): DatasetSource["files"][number] => {
    const file = state.source?.files.find((one) => one.name === name);
    const fix = "Register the dataset, and train on it by its name: its records are kept then.";
    if (!file) throw fail("ARTIFACT_MISSING", { what: `run "${state.name}"`, name: `${name} of its data`, fix });
    return file;
  };
  const [index, test] = [stored("snapshot.json"), stored("test.safetensors")];
  if (index.size > MOST_BYTES) throw fail("PAYLOAD_TOO_LARGE", { limit: MOST_BYTES });
  const { columns, labels, pictureShape, target, splits } = JSON.parse(
    Buffer.from(await readRange(kernel.blobs, index.sha256, 0, index.size)).toString(),
  ) as Snapshot;
  const { count } = splits.test;
  if (count === 0 || (wanted ?? 0) >= count) throw fail("NOT_FOUND", { what: "record of the test split", id: String(wanted ?? 0) });
  const row = wanted ?? Math.floor(Math.random() * count);

  const tensors = await openTensors(kernel.blobs, test, count);
  /** The row's part of a tensor; nothing where there is none. */
  const part = async (name: string): Promise<Buffer> =>
    tensors.placed.has(name) ? Buffer.from(await tensors.range(name, row, row + 1)) : Buffer.alloc(0);
  const targets = await part("targets");
  const truth = labels.length ? labels[targets.readInt32LE()]! : targets.readFloatLE();
  const record = { row, of: count, target, truth };
  if (pictureShape) return { ...record, picture: { shape: [...pictureShape], pixels: (await part("pictures")).toString("base64") } };

  const parts = { number: await part("numbers"), category: await part("categories"), date: await part("dates") };
  const places = { number: 0, category: 0, date: 0 };
  const cells = columns.flatMap(({ name, type, values = [] }): [string, string | number | null][] => {
    if (type === "text") return []; // texts lie in another file
    const [bytes, place] = [parts[type], places[type]++];
    if (type === "category") return [[name, values[bytes.readInt32LE(4 * place)] ?? null]];
    if (type === "date") return [[name, dateOf(bytes.readBigInt64LE(8 * place))]];
    const value = bytes.readFloatLE(4 * place);
    return [[name, Number.isNaN(value) ? null : decimal(value)]];
  });
  return { ...record, cells: Object.fromEntries(cells) };
}

/** Seconds since 1970-01-01 in ISO 8601. */
const dateOf = (seconds: bigint): string | null =>
  seconds === NO_DATE ? null : new Date(Number(seconds) * 1000).toISOString().replace(/(T00:00:00)?\.000Z$/, (_, midnight) => (midnight ? "" : "Z"));
