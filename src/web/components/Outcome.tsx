/** What an experiment came to, as a picture: its main metric, how sure that is, and what one gets without learning. */
import { Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { Experiment } from "../../shared/api/schemas.ts";
import { catalogQuery } from "../api.ts";
import { figure, titleOf } from "../format.ts";
import { t } from "../texts.ts";

/** What a task is judged by first. */
const mainMetric = { classification: "accuracy", regression: "mae" } as const;

export const mainOf = ({ task, metrics }: Pick<Experiment, "task" | "metrics">): string | undefined =>
  mainMetric[task] in metrics ? mainMetric[task] : Object.keys(metrics)[0];

/** What the catalog calls a metric. */
export function useMetricTitle(): (metric: string) => string {
  const catalog = useQuery(catalogQuery).data?.metrics;
  return (metric) => catalog?.find(({ id }) => id === metric.replaceAll("_", "-"))?.title ?? titleOf(metric);
}

const WIDTH = 240;
/** Room at both ends for the round of the point. */
const EDGE = 6;

export function Outcome({ experiment }: { readonly experiment: Experiment }) {
  const called = useMetricTitle();
  const metric = mainOf(experiment);
  if (metric === undefined) return null;
  const value = experiment.metrics[metric]!;
  const interval = experiment.intervals?.[metric];
  const baseline = experiment.baseline?.[metric];
  const told = [value, ...(interval ?? []), ...(baseline === undefined ? [] : [baseline])];
  const least = Math.min(0, ...told);
  const most = told.every((one) => one >= 0 && one <= 1) ? 1 : Math.max(...told, least + 1e-12);
  const x = (one: number): number => EDGE + ((WIDTH - 2 * EDGE) * (one - least)) / (most - least);
  const says = [
    `${called(metric)} ${figure(value)}`,
    ...(interval ? [t.experiments.interval(figure(interval[0]), figure(interval[1]))] : []),
    ...(baseline === undefined ? [] : [t.experiments.baseline(figure(baseline))]),
  ];
  return (
    <div>
      <Text size="xs" c="dimmed">
        {called(metric)}
      </Text>
      <Text fw={700} fz="xl" lh={1.2}>
        {figure(value)}
      </Text>
      <svg viewBox={`0 0 ${WIDTH} 20`} width="100%" role="img" aria-label={says.join(", ")} className="outcome">
        <line x1={EDGE} x2={WIDTH - EDGE} y1="10" y2="10" stroke="var(--chart-line)" strokeWidth="4" strokeLinecap="round" />
        {interval && (
          <line
            x1={x(interval[0])}
            x2={x(interval[1])}
            y1="10"
            y2="10"
            stroke="var(--series-1)"
            strokeWidth="4"
            strokeLinecap="round"
            opacity="0.55"
          />
        )}
        {baseline !== undefined && <line x1={x(baseline)} x2={x(baseline)} y1="2" y2="18" stroke="var(--series-2)" strokeWidth="2.5" />}
        <circle cx={x(value)} cy="10" r="5.5" fill="var(--series-1)" />
      </svg>
      <Text size="xs" c="dimmed">
        {says.slice(1).join(" · ")}
      </Text>
    </div>
  );
}
