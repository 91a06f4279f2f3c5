/** What is known of each column of a table. */
import { Text, Title } from "@mantine/core";
import type { ColumnProfile } from "../../shared/profile.ts";
import { count, day, figure, span } from "../format.ts";
import { t } from "../texts.ts";
import { Apart } from "./Apart.tsx";
import { Lines } from "./Lines.tsx";

export function Columns({ columns }: { readonly columns: readonly ColumnProfile[] }) {
  const { column } = t.datasets;
  return (
    <section aria-label={t.datasets.columns}>
      <Title order={2} size="h4">
        {t.datasets.columns}
      </Title>
      <Lines
        minWidth={720}
        columns={[
          { label: column.name },
          { label: column.type, width: "6rem" },
          { label: column.values },
          { label: column.missing, numeric: true },
          { label: column.distinct, numeric: true },
          { label: column.association, numeric: true },
        ]}
        rows={columns.map((one) => [
          one.name,
          one.role === "target" ? `${one.name} (${column.target})` : one.name,
          one.type,
          <Distribution key="values" column={one} />,
          count(one.missing),
          count(one.distinct),
          figure(one.association?.value),
        ])}
      />
    </section>
  );
}

const HISTOGRAM = { width: 160, height: 32 };
/** Of categories, in a cell. */
const MOST_VALUES = 4;

/** Of numbers a histogram, of categories the most frequent. */
function Distribution({ column: { type, histogram, top = [], mean, deviation } }: { readonly column: ColumnProfile }) {
  if (!histogram)
    return (
      <Text size="xs" className="name">
        <Apart texts={top.slice(0, MOST_VALUES).map(({ value, count: of }) => `${value} (${count(of)})`)} />
      </Text>
    );
  const most = Math.max(...histogram.counts, 1);
  const width = HISTOGRAM.width / histogram.counts.length;
  const isDate = type === "date";
  const shown = isDate ? day : figure;
  const spread = isDate ? span(deviation ?? 0) : figure(deviation);
  const says = t.datasets.column.range(shown(histogram.edges[0]), shown(histogram.edges.at(-1)), shown(mean), spread);
  return (
    <>
      <svg {...HISTOGRAM} className="histogram" role="img" aria-label={says}>
        {histogram.counts.map((of, i) => (
          <rect
            key={histogram.edges[i]}
            x={i * width}
            y={HISTOGRAM.height * (1 - of / most)}
            width={Math.max(width - 1, 0.5)}
            height={(HISTOGRAM.height * of) / most}
            fill="var(--series-1)"
          />
        ))}
      </svg>
      <Text size="xs" c="dimmed">
        {says}
      </Text>
    </>
  );
}
