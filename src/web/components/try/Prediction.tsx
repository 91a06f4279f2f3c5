/** What the model says: a label or a value, and how sure it is of each class. */
import { Anchor, Progress, Stack, Text } from "@mantine/core";
import { useState } from "react";
import type { PredictionView } from "../../../shared/api/schemas.ts";
import { count, figure } from "../../format.ts";
import { ranked } from "../../prediction.ts";
import { t } from "../../texts.ts";
import { Lines } from "../Lines.tsx";

/** Classes that are shown at first. */
const FEW = 5;
/** More are not looked at one by one. */
const MOST = 1000;

export function Prediction({ prediction }: { readonly prediction: PredictionView }) {
  const [all, setAll] = useState(false);
  const { bars, probabilities } = ranked(prediction);
  const shown = bars.slice(0, all ? MOST : FEW);
  return (
    <Stack gap="xs" maw={600}>
      <Text>
        {t.tryIt.is}: <strong className="name">{prediction.label ?? figure(prediction.value)}</strong>
      </Text>
      {bars.length > 0 && (
        <Lines
          minWidth={280}
          columns={[
            { label: t.evaluation.class },
            { label: t.tryIt.bar, width: "45%" },
            { label: probabilities ? t.tryIt.probability : t.tryIt.score, numeric: true },
          ]}
          rows={shown.map(({ label, value, percent }) => [
            label,
            label,
            <Progress key="bar" value={percent} aria-label={label} />,
            probabilities ? `${(100 * value).toFixed(1)} %` : figure(value),
          ])}
        />
      )}
      {bars.length > FEW && (
        <Anchor component="button" type="button" size="sm" underline="always" style={{ alignSelf: "start" }} onClick={() => setAll(!all)}>
          {all ? t.tryIt.fewer : t.tryIt.all(count(Math.min(bars.length, MOST)))}
        </Anchor>
      )}
    </Stack>
  );
}
