/** Which classes were taken for which: a matrix, or of many classes the commonest mistakes. Each cell opens what stands behind it. */
import { Anchor, Text, Title } from "@mantine/core";
import { type KeyboardEvent, useMemo, useState } from "react";
import { commonMistakes } from "../confusion.ts";
import { count } from "../format.ts";
import { t } from "../texts.ts";
import { Lines } from "./Lines.tsx";
import { Wide } from "./Wide.tsx";

/** More do not fit a page as a matrix. */
const MOST_CLASSES = 30;
const MOST_MISTAKES = 50;

interface ConfusionProps {
  readonly labels: readonly string[];
  readonly confusion: readonly (readonly number[])[];
  readonly open: (truth: number, predicted: number) => void;
}

export function Confusion(props: ConfusionProps) {
  const isMatrix = props.labels.length <= MOST_CLASSES;
  const title = isMatrix ? t.evaluation.confusion : t.evaluation.mistakes;
  return (
    <section aria-label={title}>
      <Title order={2} size="h4">
        {title}
      </Title>
      {isMatrix ? <Matrix {...props} /> : <Mistakes {...props} />}
    </section>
  );
}

const moves: Readonly<Record<string, readonly [rows: number, columns: number]>> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};

/** One stop of the tab key; arrows go from cell to cell. */
function Matrix({ labels, confusion, open }: ConfusionProps) {
  const [[row, column], setAt] = useState<readonly [number, number]>([0, 0]);
  const move = (event: KeyboardEvent<HTMLTableElement>) => {
    const by = moves[event.key];
    if (!by) return;
    event.preventDefault();
    const within = (place: number) => Math.min(Math.max(place, 0), labels.length - 1);
    const next = [within(row + by[0]), within(column + by[1])] as const;
    setAt(next);
    event.currentTarget.querySelector<HTMLElement>(`[data-cell="${next.join()}"]`)?.focus();
  };
  return (
    <>
      <Text size="sm">{t.evaluation.cellHint}</Text>
      <Wide minWidth={300}>
        <table className="confusion" onKeyDown={move}>
          <thead>
            <tr>
              <th scope="col">
                {t.evaluation.truth} \ {t.evaluation.predicted}
              </th>
              {labels.map((label) => (
                <th key={label} scope="col" className="name">
                  {label}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {confusion.map((cells, truth) => {
              const total = Math.max(
                cells.reduce((sum, one) => sum + one, 0),
                1,
              );
              return (
                <tr key={labels[truth]}>
                  <th scope="row" className="name">
                    {labels[truth]}
                  </th>
                  {cells.map((cell, predicted) => {
                    // Shades by share of the row: right in blue, wrong in orange; the text stays readable on all.
                    const shade = Math.round((cell / total) * 45);
                    const color = truth === predicted ? "var(--series-1)" : "var(--series-2)";
                    const says =
                      truth === predicted ? t.evaluation.right(cell, labels[truth]!) : t.evaluation.cell(cell, labels[truth]!, labels[predicted]!);
                    return (
                      <td key={labels[predicted]} style={{ background: `color-mix(in srgb, ${color} ${shade}%, transparent)` }}>
                        <button
                          type="button"
                          data-cell={`${truth},${predicted}`}
                          title={says}
                          aria-label={says}
                          tabIndex={truth === row && predicted === column ? 0 : -1}
                          onFocus={() => setAt([truth, predicted])}
                          onClick={() => open(truth, predicted)}
                        >
                          {cell}
                        </button>
                      </td>
                    );
                  })}
                </tr>
              );
            })}
          </tbody>
        </table>
      </Wide>
    </>
  );
}

function Mistakes({ labels, confusion, open }: ConfusionProps) {
  const mistakes = useMemo(() => commonMistakes(confusion, MOST_MISTAKES), [confusion]);
  const columns = t.evaluation;
  return (
    <Lines
      minWidth={420}
      columns={[
        { label: columns.truth },
        { label: columns.predicted },
        { label: columns.records, numeric: true },
        { label: columns.shareOfClass, numeric: true },
      ]}
      rows={mistakes.map(({ truth, predicted, count: times, share }) => [
        `${truth},${predicted}`,
        labels[truth],
        <Anchor key="open" component="button" type="button" underline="always" onClick={() => open(truth, predicted)} size="sm">
          {labels[predicted]}
        </Anchor>,
        count(times),
        t.evaluation.percent(Math.round(100 * share)),
      ])}
    />
  );
}
