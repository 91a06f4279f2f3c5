/** What two classes come to where the cut between them is moved. */
import type { Threshold } from "../../shared/evaluation.ts";
import { bestThreshold } from "../curves.ts";
import { type Block, type Cell, table } from "./blocks.ts";
import { axis, shares } from "./chart.ts";
import { number, quoted, whole } from "./text.ts";

const SHOWN = 11;
const scores = ["precision", "recall", "f1"] as const;
const titles = { precision: "Precision", recall: "Recall", f1: "F1" } as const;

export function thresholdTable(thresholds: readonly Threshold[], labels: readonly string[]): Block | undefined {
  const best = bestThreshold(thresholds);
  if (!best) return undefined;
  const steps = Array.from({ length: SHOWN }, (_, i) => thresholds[Math.round((i / (SHOWN - 1)) * (thresholds.length - 1))]!);
  const shown = [...new Set([...steps, best])].sort((a, b) => a.threshold - b.threshold);
  const body = shown.map((one): Cell[] => {
    const cells = [one.precision, one.recall, one.f1, one.accuracy].map(number).concat([one.tp, one.fp, one.fn, one.tn].map(whole));
    return one === best ? [`${number(one.threshold)}, best F1`, ...cells.map((text) => ({ text, strong: true }))] : [number(one.threshold), ...cells];
  });
  const caption = `Where ${quoted(labels[1]!)} is predicted from this score on. The best F1 was chosen on the test rows themselves: expect a little less.`;
  const head = ["Threshold", "Precision", "Recall", "F1", "Accuracy", "True positives", "False positives", "False negatives", "True negatives"];
  return table(caption, head, body);
}

export function thresholdChart(thresholds: readonly Threshold[], labels: readonly string[]): Block | undefined {
  const best = bestThreshold(thresholds);
  if (!best) return undefined;
  const cuts = thresholds.map(({ threshold }) => threshold);
  return {
    kind: "charts",
    charts: [
      {
        title: "Precision, recall and F1 by threshold",
        description: `Of ${quoted(labels[1]!)}. F1 is highest, ${number(best.f1)}, at ${number(best.threshold)}.`,
        x: Math.min(...cuts) >= 0 && Math.max(...cuts) <= 1 ? shares("Threshold") : axis("Threshold", cuts),
        y: shares("Share"),
        series: scores.map((id) => ({ label: titles[id], as: "line", points: thresholds.map((one) => [one.threshold, one[id]] as const) })),
        guide: {
          label: "best F1",
          points: [
            [best.threshold, 0],
            [best.threshold, 1],
          ],
        },
      },
    ],
  };
}
