/** How large a training will be and how long it will take, before it begins; and what is not known. */
import { Card, Text, Title } from "@mantine/core";
import type { RunEstimate } from "../../shared/api/schemas.ts";
import { compact, count, size, span } from "../format.ts";
import { t } from "../texts.ts";

export function Estimate({ estimate, isLearner }: { readonly estimate: RunEstimate; readonly isLearner: boolean }) {
  const { samples, steps, parameters, flops, memory, time } = estimate;
  const facts: (readonly [string, string])[] = [
    [t.estimate.samples, count(samples)],
    ...(steps === undefined ? [] : [[t.estimate.steps, count(steps)] as const]),
    ...(parameters === undefined ? [] : [[t.estimate.parameters, count(parameters)] as const]),
    ...(flops ? [[t.estimate.flops, t.estimate.flopsOf(compact(flops.sample), compact(flops.step))] as const] : []),
    ...(memory ? [[t.estimate.memory, t.estimate.memoryOf(size(memory.total), size(memory.data), size(memory.total - memory.data))] as const] : []),
    [
      t.estimate.time,
      time
        ? `${t.estimate.timeOf(span(time.seconds), span(time.low), span(time.high))} ${t.estimate.by[time.by](time.runs)}`
        : isLearner
          ? t.estimate.unknownLearner
          : t.estimate.unknown,
    ],
  ];
  return (
    <Card withBorder component="section" aria-label={t.estimate.title}>
      <Title order={2} size="h4">
        {t.estimate.title}
      </Title>
      <dl className="facts">
        {facts.map(([name, value]) => (
          <div key={name}>
            <Text component="dt" size="sm" c="dimmed">
              {name}
            </Text>
            <Text component="dd" size="sm">
              {value}
            </Text>
          </div>
        ))}
      </dl>
      {!isLearner && parameters === undefined && (
        <Text size="sm" c="dimmed">
          {t.estimate.afterReading}
        </Text>
      )}
    </Card>
  );
}
