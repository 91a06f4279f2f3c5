/** Predicts with a `model.onnx`: a picture or rows in, labels or values out. */
import { readPicture } from "../data/index.ts";
import type { Tensor, TextTensor } from "../engine/graph.ts";
import { Session } from "../engine/session.ts";
import type { PredictionView } from "../shared/api/schemas.ts";
import { type ColumnType, NO_DATE, type RawColumn } from "../shared/dataset.ts";
import { fail, show } from "../shared/errors.ts";
import type { Cell, ModelFacts, Sample } from "../shared/predictor.ts";

/**
 * A model, opened. Close it when done.
 * @example const [prediction] = await model.predict(facts.dataset, { rows: [{ height: 63.6 }] });
 */
export class Model {
  readonly #session: Session;

  private constructor(session: Session) {
    this.#session = session;
  }

  /** @throws BAD_FILE */
  static async open(bytes: Uint8Array): Promise<Model> {
    try {
      return new Model(await Session.open(bytes));
    } catch (cause) {
      const got = `it cannot be opened (${(cause as Error).message})`;
      throw fail("BAD_FILE", { path: "model.onnx", want: "the model of a run", got, fix: "Train the model again." }, cause);
    }
  }

  /** One prediction for the picture, or one for each row. @throws BAD_PARAMETER, BAD_FILE, BAD_USAGE */
  async predict(facts: ModelFacts, sample: Sample): Promise<PredictionView[]> {
    const { task, labels } = facts;
    const { output, label } = await this.#session.run(await feedsOf(facts, sample));
    const [count, width] = output!.shape as [number, number];
    return Array.from({ length: count }, (_, i) => {
      const row = Array.from((output!.data as Float32Array).subarray(i * width, (i + 1) * width));
      if (task === "regression") return { value: row[0]! };
      return { label: labels[Number(label!.data[i])]!, outputs: Object.fromEntries(row.map((v, c) => [labels[c]!, v])) };
    });
  }

  close(): Promise<void> {
    return this.#session.close();
  }
}

type Feeds = Readonly<Record<string, Tensor | TextTensor>>;

async function feedsOf(
  { sampleShape, columns, inputs = columns.map(asNumber), pictureShape = sampleShape }: ModelFacts,
  sample: Sample,
): Promise<Feeds> {
  const { rows, picture } = sample;
  if (!inputs.length) {
    if (!picture) throw fail("BAD_USAGE", { problem: "the model takes a picture, but got rows", fix: "Send a picture." });
    const data = await readPicture(picture, pictureShape as [number, number, number]);
    return { input: { dtype: "uint8", shape: [1, ...pictureShape], data } };
  }
  if (!rows) throw fail("BAD_USAGE", { problem: "the model takes rows of a table, but got a picture", fix: `Send rows with ${columns.join(", ")}.` });
  const feeds: Record<string, Tensor | TextTensor> = {};
  for (const [type, { entrance, dtype }] of Object.entries(kinds)) {
    const mine = inputs.filter((column) => column.type === type);
    if (!mine.length) continue;
    const cells = rows.flatMap((row, r) => mine.map((column) => cellOf(row, column, r)));
    const shape = [rows.length, mine.length];
    if (dtype === "string") feeds[entrance] = { dtype, shape, data: cells as string[] };
    else
      feeds[entrance] = {
        dtype,
        shape,
        data: dtype === "float32" ? Float32Array.from(cells as number[]) : BigInt64Array.from(cells as number[], secondsOf),
      };
  }
  return feeds;
}
const asNumber = (name: string) => ({ name, type: "number" as const, required: true });

/** Where cells of each type enter the model, and how they are read: undefined for what is none. */
const kinds = {
  number: { entrance: "input", dtype: "float32", want: "a finite number", missing: Number.NaN, read: (cell) => (isNumber(cell) ? cell : undefined) },
  category: {
    entrance: "categories",
    dtype: "string",
    want: "one of the column's values",
    missing: "",
    read: (cell) => String(cell),
  },
  date: { entrance: "dates", dtype: "int64", want: "a date such as 2024-05-31 or 2024-05-31T12:00:00Z", missing: Number.NaN, read: readDate },
  text: { entrance: "texts", dtype: "string", want: "text", missing: "", read: (cell) => (typeof cell === "string" ? cell : undefined) },
} as const satisfies Record<
  ColumnType,
  {
    entrance: string;
    dtype: "float32" | "string" | "int64";
    want: string;
    missing: number | string;
    read: (cell: Exclude<Cell, null>) => number | string | undefined;
  }
>;

/** @throws BAD_PARAMETER */
function cellOf(
  row: Readonly<Record<string, Cell>>,
  { name, type, required }: Pick<RawColumn, "name" | "type" | "required">,
  r: number,
): number | string {
  const { want, missing, read } = kinds[type];
  // A value that is missing is said to be: a column that is not there at all is more likely another name.
  const cell = Object.hasOwn(row, name) ? row[name] : undefined;
  if ((cell === null || cell === "") && !required) return missing;
  const value = cell === undefined || cell === null || cell === "" ? undefined : read(cell);
  if (value === undefined) throw fail("BAD_PARAMETER", { where: `row ${r + 1}`, name, want, got: show(row[name]) });
  return value;
}

const isNumber = (cell: Cell): cell is number => typeof cell === "number" && Number.isFinite(Math.fround(cell));

/** Whole seconds; the least number for a missing date. */
const secondsOf = (value: number): bigint => (Number.isNaN(value) ? NO_DATE : BigInt(Math.floor(value)));

/** Seconds since 1970-01-01; a date without a zone is in UTC. */
function readDate(cell: Cell): number | undefined {
  if (isNumber(cell)) return cell;
  const [, day, time = "00:00", zone = "Z"] =
    /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)(Z|[+-]\d\d:?\d\d)?)?$/.exec(String(cell).trim()) ?? [];
  const milliseconds = Date.parse(`${day}T${time}${zone}`);
  return Number.isNaN(milliseconds) ? undefined : milliseconds / 1000;
}
