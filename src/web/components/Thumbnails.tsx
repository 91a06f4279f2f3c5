/** What a dataset looks like, at a glance: some of its pictures, or what its columns are. */
import { Text } from "@mantine/core";
import type { DatasetView } from "../../shared/api/schemas.ts";
import type { ColumnType, SplitName } from "../../shared/dataset.ts";
import { t } from "../texts.ts";

/** Where the server has a picture. @param most pixels of its longest side */
export const pictureAt = (id: string, split: SplitName, index: number, most: number): string =>
  `/api/datasets/${encodeURIComponent(id)}/records/${split}/${index}/picture?most=${most}`;

const PICTURES = 8;
const SIDE = 48;
/** Pixels of the file, for screens with two to a point. */
const THUMBNAIL = 2 * SIDE;
const STRIP = { height: 12, gap: 0.4 };
const colours: Readonly<Record<ColumnType, string>> = {
  number: "var(--series-1)",
  category: "var(--series-2)",
  date: "var(--series-3)",
  text: "var(--series-4)",
};
/** Columns that a strip has room for. */
const MOST_COLUMNS = 100;

export function Thumbnails({ id, facts }: { readonly id: string; readonly facts: NonNullable<DatasetView["facts"]> }) {
  const { kind, records, columns } = facts;
  if (kind === "pictures") {
    const shown = Math.min(PICTURES, records.train);
    // Spread over the split: files are often in the order of their classes.
    const places = Array.from({ length: shown }, (_, i) => Math.floor(((i + 0.5) * records.train) / shown));
    return (
      <div className="thumbnails" aria-hidden="true">
        {places.map((index) => (
          <img key={index} src={pictureAt(id, "train", index, THUMBNAIL)} alt="" width={SIDE} height={SIDE} loading="lazy" className="pixels" />
        ))}
      </div>
    );
  }
  const some = columns.slice(0, MOST_COLUMNS);
  const of = (type: ColumnType) => columns.filter((column) => column.type === type).length;
  const says = t.datasets.columnTypes(of("number"), of("category"), of("date"), of("text"));
  return (
    <>
      <svg width="100%" height={STRIP.height} role="img" aria-label={says}>
        {some.map(({ name, type }, i) => (
          <rect
            key={name}
            x={`${(100 * i) / some.length}%`}
            width={`${Math.max(0.2, 100 / some.length - STRIP.gap)}%`}
            height={STRIP.height}
            rx="2"
            fill={colours[type]}
          />
        ))}
      </svg>
      <Text size="xs" c="dimmed" aria-hidden="true">
        {says}
      </Text>
    </>
  );
}
