/** Imports a dataset, or looks at its files: what the catalog's entry does, in a folder of the job's own. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { catalog } from "../catalog/index.ts";
import type { ImportContext } from "../data/importing.ts";
import { filesOf, type Imported } from "../data/snapshot.ts";
import type { ClaimedJob, DatasetFacts } from "../shared/api/schemas.ts";
import type { Snapshot } from "../shared/dataset.ts";
import { resolveParams } from "../shared/define.ts";
import { fail } from "../shared/errors.ts";

/** What came of it: files in the folder, by name, and what is known of an import. */
export interface Ingested {
  readonly files: readonly string[];
  readonly facts?: DatasetFacts;
}

/** @throws BAD_FILE and its kin, and the reason of the signal */
export async function ingest(dataset: NonNullable<ClaimedJob["payload"]["dataset"]>, context: ImportContext): Promise<Ingested> {
  const entry = catalog.datasets.find(({ id }) => id === dataset.id);
  if (!entry) throw fail("UNKNOWN_ENTRY", { kind: "dataset", id: dataset.id, known: catalog.datasets.map(({ id }) => id) });
  const params = resolveParams(`dataset "${entry.id}"`, entry.params, dataset.params) as never;
  if (dataset.preview) {
    if (!entry.preview) throw fail("BAD_USAGE", { problem: `dataset "${entry.id}" is known beforehand`, fix: "Import it." });
    await writeFile(join(context.directory, "preview.json"), JSON.stringify(await entry.preview(params, context)));
    return { files: ["preview.json"] };
  }
  const imported = await entry.importFiles(params, context);
  return { files: ["snapshot.json", "profile.json", ...filesOf(imported.snapshot).map(({ name }) => name)], facts: factsOf(imported) };
}

function factsOf({ snapshot, profile }: Imported): DatasetFacts {
  const { digest, kind, task, target, labels, columns } = snapshot;
  return {
    digest,
    kind,
    task,
    sampleShape: shapeOf(snapshot),
    columns: columns.map(({ name, type, values }) => ({ name, type, ...(values && { values: values.length }) })),
    target,
    labels: [...labels],
    records: profile.records,
  };
}

const shapeOf = ({ pictureShape, columns }: Snapshot): number[] => (pictureShape ? [...pictureShape] : [columns.length]);
