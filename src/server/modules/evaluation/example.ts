/** One record of the test split that a run never saw, as it came: to try its model with. */
import type { ExampleView } from "../../../shared/api/schemas.ts";
import { fail } from "../../../shared/errors.ts";
import type { Kernel } from "../../kernel.ts";
import { runEntity } from "../runs/run.ts";
import { cellsIn, testFilesOf, typed } from "./records.ts";

/**
 * @param wanted its place in the test split; any when left out
 * @throws ARTIFACT_MISSING for data that are not kept here, NOT_FOUND
 */
export async function getExample(kernel: Kernel, id: string, wanted: number | undefined): Promise<ExampleView> {
  const { state } = await runEntity.get(kernel.db.query, id);
  const files = await testFilesOf(kernel, state);
  const placed = files?.tensors.placed.get("targets");
  if (!files || !placed) {
    const fix = "Register the dataset, and train on it by its name: its records are kept then.";
    throw fail("ARTIFACT_MISSING", { what: `run "${state.name}"`, name: "records of its test split", fix });
  }
  const of = placed.shape[0]!;
  if (of === 0 || (wanted ?? 0) >= of) throw fail("NOT_FOUND", { what: "record of the test split", id: String(wanted ?? 0) });
  const row = wanted ?? Math.floor(Math.random() * of);
  const [target] = typed(files.tensors, "targets", await files.tensors.read("targets", [row]));
  const labels = state.facts?.dataset.labels ?? [];
  const record = { row, of, truth: state.task === "classification" ? labels[Number(target)]! : Number(target) };
  const { pictureShape } = files;
  if (!pictureShape) return { ...record, cells: (await cellsIn(files, [row]))[0]! };
  const pixels = Buffer.from(await files.tensors.read("pictures", [row])).toString("base64");
  return { ...record, picture: { shape: [...pictureShape], pixels } };
}
