/** The layers of a network: their picture, and the same as a table. */
import { Loader, Stack, Text, Title } from "@mantine/core";
import { lazy, Suspense, useMemo } from "react";
import type { Run } from "../../shared/api/schemas.ts";
import { count } from "../format.ts";
import { layersOf } from "../layers.ts";
import { t } from "../texts.ts";
import { Lines } from "./Lines.tsx";

const Network = lazy(() => import("./Network.tsx").then((module) => ({ default: module.Network })));

export function Layers({ run: { facts } }: { readonly run: Run }) {
  const layers = useMemo(() => layersOf({ facts }), [facts]);
  if (!layers.length || !facts) return <Text>{t.network.none}</Text>;
  const columns = t.run.layer;
  return (
    <Stack>
      <Suspense fallback={<Loader aria-label={t.loading} />}>
        <Network layers={layers} sampleShape={facts.dataset.sampleShape} />
      </Suspense>
      <section aria-label={columns.title}>
        <Title order={2} size="h4">
          {columns.title}
        </Title>
        <Text size="sm">{columns.total(count(facts.parameters), count(layers.reduce((sum, { flops }) => sum + flops, 0)))}</Text>
        <Lines
          minWidth={480}
          columns={[{ label: columns.name }, { label: columns.kind }, { label: columns.shape }, { label: columns.parameters, numeric: true }]}
          rows={layers.map(({ id, layer, outputShape, parameters }) => [id, id, layer, outputShape.join(" × "), count(parameters)])}
        />
      </section>
    </Stack>
  );
}
