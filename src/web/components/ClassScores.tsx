/** How each class fares: precision, recall and F1 as bars, in any order. */
import { Progress, Select, Title } from "@mantine/core";
import { useState } from "react";
import type { EvaluationReport } from "../../shared/evaluation.ts";
import { count, figure } from "../format.ts";
import { t } from "../texts.ts";
import { Lines } from "./Lines.tsx";

/** More are not looked at; the order brings forth the best or the worst. */
const MOST = 100;
const measures = ["precision", "recall", "f1"] as const;
type Class = NonNullable<EvaluationReport["classes"]>[number];

const orders = {
  asItIs: () => 0,
  worstF1: (a, b) => a.f1 - b.f1,
  worstPrecision: (a, b) => a.precision - b.precision,
  worstRecall: (a, b) => a.recall - b.recall,
  mostRecords: (a, b) => b.support - a.support,
} satisfies Record<keyof typeof t.evaluation.orders, (a: Class, b: Class) => number>;
type Order = keyof typeof orders;

export function ClassScores({ labels, classes }: { readonly labels: readonly string[]; readonly classes: readonly Class[] }) {
  const [order, setOrder] = useState<Order>("asItIs");
  const sorted = classes.map((one, c) => ({ ...one, label: labels[c]! })).sort(orders[order]);
  return (
    <section aria-label={t.evaluation.perClass}>
      <Title order={2} size="h4">
        {t.evaluation.perClass}
      </Title>
      <Select
        label={t.evaluation.order}
        data={Object.entries(t.evaluation.orders).map(([value, label]) => ({ value, label }))}
        value={order}
        allowDeselect={false}
        onChange={(to) => setOrder(to as Order)}
        maw={280}
        my="xs"
      />
      <Lines
        minWidth={620}
        columns={[
          { label: t.evaluation.class },
          ...measures.map((measure) => ({ label: t.evaluation[measure], width: "22%" })),
          { label: t.evaluation.support, numeric: true },
        ]}
        rows={sorted.slice(0, MOST).map(({ label, support, ...scores }) => [
          label,
          label,
          ...measures.map((measure) => (
            <div key={measure} className="bar">
              <Progress value={100 * scores[measure]} aria-label={`${label}, ${t.evaluation[measure]}`} />
              <span>{figure(scores[measure])}</span>
            </div>
          )),
          count(support),
        ])}
      />
    </section>
  );
}
