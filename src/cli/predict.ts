/** `trainyard predict`: what a run's model says of pictures or rows. */
import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import type { RowInput } from "../data/rows.ts";
import type { Client } from "../shared/api/client.ts";
import type { PredictionView } from "../shared/api/schemas.ts";
import { fail } from "../shared/errors.ts";
import { add, listing, type Options, verb } from "./command.ts";
import { findRun, runArgument } from "./find.ts";
import { digits, percent } from "./output.ts";
import type { Column } from "./table.ts";

/** What was predicted for one input: a file, or a row of a table, counted from 1. */
type Prediction = { readonly source: string } & PredictionView;

/** The server takes no more rows at once. */
const MOST_ROWS = 1000;

export function registerPredict(program: Command): void {
  add(
    program,
    "predict",
    "predict with a run's model",
    "Predict with a finished run's model, from pictures (PNG, JPEG, …) or CSV files with the columns it was trained on.",
  )
    .argument("<run>", runArgument)
    .argument("<files...>", "pictures, or CSV files with a header")
    .action(
      verb(async ({ client }, _: Options, name: string, files: string[]) => {
        const run = await client.call("getRun", { params: { id: (await findRun(client, name)).id } });
        const { columns = [], inputs = columns.map((name: string) => ({ name, type: "number" as const, required: true })) } =
          run.facts?.dataset ?? {};
        const predictions: Prediction[] = [];
        for (const file of files)
          for await (const some of inputs.length ? ofTable(client, run.id, file, inputs) : ofPicture(client, run.id, file)) predictions.push(...some);
        return listing(predictions, shown, "no rows");
      }),
    );
}

async function* ofTable(client: Client, id: string, path: string, inputs: readonly RowInput[]): AsyncGenerator<Prediction[]> {
  const { readRows } = await import("../data/index.ts");
  const all = await readRows(path, inputs);
  for (let first = 0; first < all.length; first += MOST_ROWS) {
    const rows = all.slice(first, first + MOST_ROWS);
    const { predictions } = await client.call("predictWithRun", { params: { id }, body: { rows } });
    yield predictions.map((prediction, i) => ({ source: `${path}:${first + i + 1}`, ...prediction }));
  }
}

async function* ofPicture(client: Client, id: string, path: string): AsyncGenerator<Prediction[]> {
  const picture = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") throw fail("FILE_NOT_FOUND", { path, what: "picture", fix: "Check the path." }, cause);
    throw fail(
      "BAD_FILE",
      { path, want: "a readable file", got: `opening it gave ${cause.code}`, fix: "Give the path of a file that you may read." },
      cause,
    );
  });
  const { predictions } = await client.call("predictWithRun", { params: { id }, body: { picture: picture.toString("base64") } });
  yield predictions.map((prediction) => ({ source: path, ...prediction }));
}

const shown: readonly Column<Prediction>[] = [
  { title: "input", cell: ({ source }) => source },
  { title: "prediction", cell: ({ label, value }) => label ?? digits(value) },
  { title: "", cell: sureness, right: true },
];

/** Most losses make the outputs probabilities. */
function sureness({ label, outputs }: Prediction): string {
  const best = label === undefined ? undefined : outputs?.[label];
  return best === undefined ? "" : best >= 0 && best <= 1 ? percent(best) : best.toPrecision(4);
}
