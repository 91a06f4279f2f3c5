/** Two classes: what comes of predicting the second one from another score on. */
import { Slider, Text, Title } from "@mantine/core";
import { useState } from "react";
import type { Threshold } from "../../shared/evaluation.ts";
import { count, figure } from "../format.ts";
import { t } from "../texts.ts";
import { nearest } from "../thresholds.ts";
import { Lines } from "./Lines.tsx";

interface ThresholdsProps {
  readonly labels: readonly string[];
  readonly thresholds: readonly Threshold[];
  /** A score from which on the second class is predicted unless one says otherwise. */
  readonly usual: number;
}

export function Thresholds({ labels, thresholds, usual }: ThresholdsProps) {
  const [at, setAt] = useState(() => nearest(thresholds, usual));
  const { threshold, tp, fp, tn, fn, precision, recall, f1, accuracy } = thresholds[at]!;
  const [no, yes] = labels as [string, string];
  const says = t.evaluation.thresholdIs(yes, figure(threshold));
  const texts = t.evaluation;
  return (
    <section aria-label={texts.threshold}>
      <Title order={2} size="h4">
        {texts.threshold}
      </Title>
      <Text size="sm" className="name">
        {says}
      </Text>
      <Slider
        min={0}
        max={thresholds.length - 1}
        value={at}
        onChange={setAt}
        label={(place) => figure(thresholds[place]?.threshold)}
        thumbLabel={texts.threshold}
        thumbProps={{ "aria-valuetext": says }}
        maw={520}
        my="md"
      />
      <div role="status">
        <Lines
          minWidth={420}
          columns={[texts.precision, texts.recall, texts.f1, texts.accuracy].map((label) => ({ label, numeric: true }))}
          rows={[["scores", ...[precision, recall, f1, accuracy].map(figure)]]}
        />
        <Lines
          minWidth={420}
          columns={[{ label: `${texts.truth} \\ ${texts.predicted}` }, { label: no, numeric: true }, { label: yes, numeric: true }]}
          rows={[
            ["no", no, count(tn), count(fp)],
            ["yes", yes, count(fn), count(tp)],
          ]}
        />
      </div>
    </section>
  );
}
