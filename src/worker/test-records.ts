/** The test records of a dataset as a file of its own, laid out as in a snapshot: what a run of a built-in dataset leaves, so that its mistakes can be looked at. */
import { layOut, type StoredArray, type TensorInfo } from "../engine/safetensors.ts";
import type { Dataset } from "../shared/dataset.ts";
import type { Files } from "./output.ts";

/** Larger ones are not worth their place beside each run. */
const MOST_BYTES = 128 * 2 ** 20;

const dtypes = new Map<unknown, TensorInfo["dtype"]>([
  [Float32Array, "F32"],
  [Int32Array, "I32"],
  [BigInt64Array, "I64"],
  [Uint8Array, "U8"],
]);

/** Nothing where the records are neither pictures nor rows, or too many. */
export function testRecords({ raw, test, sampleShape }: Dataset): Files {
  const isPictures = !raw && test.inputs instanceof Uint8Array && sampleShape.length === 3;
  const { numbers, categories, dates } = raw?.test ?? {};
  const arrays = Object.entries({ targets: test.targets, numbers, categories, dates, ...(isPictures && { pictures: test.inputs }) }).filter(
    (one): one is [string, StoredArray] => one[1] !== undefined,
  );
  const bytes = arrays.reduce((sum, [, { byteLength }]) => sum + byteLength, 0);
  if (arrays.length < 2 || !test.count || bytes > MOST_BYTES) return {};
  const widths = (name: string, { length }: StoredArray) => (name === "targets" ? [] : isPictures ? sampleShape : [length / test.count]);
  const tensors = arrays.map(([name, data]): [string, TensorInfo] => [
    name,
    { dtype: dtypes.get(data.constructor)!, shape: [test.count, ...widths(name, data)] },
  ]);
  const { header } = layOut(new Map(tensors), isPictures ? { pictureShape: JSON.stringify(sampleShape) } : { columns: JSON.stringify(raw?.columns) });
  return { "test-records.safetensors": [header, ...arrays.map(([, data]) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength))] };
}
