/** The curves of a run, a chart for each measure: those that are looked for, drawn when they come into sight. */
import { Button, SimpleGrid, Stack, Text, TextInput } from "@mantine/core";
import { useIntersection } from "@mantine/hooks";
import { useState } from "react";
import { count, titleOf } from "../format.ts";
import { type ChartOf, type Curve, charts } from "../series.ts";
import { t } from "../texts.ts";
import { LineChart } from "./LineChart.tsx";

/** Of more one has to choose. */
const AT_ONCE = 12;

interface ChartsProps {
  readonly run: string;
  readonly curves: ReadonlyMap<string, Curve>;
  readonly scheme: string;
  /** Words that a title must have; kept in the address. */
  readonly search: string;
  readonly onSearch: (text: string) => void;
}

export function Charts({ run, curves, scheme, search, onSearch }: ChartsProps) {
  const [most, setMost] = useState(AT_ONCE);
  if (curves.size === 0) return <Text>{t.run.noPoints}</Text>;
  const all = charts(curves);
  const words = search.toLowerCase().split(/\s+/);
  const found = all.filter(({ title }) => words.every((word) => titleOf(title).toLowerCase().includes(word)));
  const shown = found.slice(0, most);
  return (
    <Stack>
      {all.length > AT_ONCE && (
        <TextInput
          label={t.run.findChart}
          description={t.run.chartsShown(count(shown.length), count(all.length))}
          value={search}
          onChange={(event) => onSearch(event.currentTarget.value)}
          maw={400}
        />
      )}
      <SimpleGrid cols={{ base: 1, lg: 2 }}>
        {shown.map((one) => (
          <WhenSeen key={one.title} run={run} chart={one} scheme={scheme} />
        ))}
      </SimpleGrid>
      {found.length > most && (
        <Button variant="default" onClick={() => setMost(most + AT_ONCE)}>
          {t.more}
        </Button>
      )}
    </Stack>
  );
}

function WhenSeen({ run, chart: { title, curves }, scheme }: Pick<ChartsProps, "run" | "scheme"> & { readonly chart: ChartOf }) {
  const { ref, entry } = useIntersection({ rootMargin: "200px" });
  // What was seen once stays, with its zoom and switches.
  const [seen, setSeen] = useState(false);
  if (entry?.isIntersecting && !seen) setSeen(true);
  return (
    <div ref={ref} className="chart-place">
      {seen && <LineChart title={titleOf(title)} curves={curves} scheme={scheme} run={run} />}
    </div>
  );
}
