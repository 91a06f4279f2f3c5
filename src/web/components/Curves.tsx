/** Curves of an evaluation, each within a square from 0 to 1. */
import { Group, SimpleGrid, Text, Title } from "@mantine/core";
import type { EvaluationReport } from "../../shared/evaluation.ts";
import { figure } from "../format.ts";
import { t } from "../texts.ts";
import { Export } from "./Export.tsx";

type Point = readonly [number, number];
interface Line {
  readonly label: string;
  readonly points: readonly Point[];
}

/** In units of the picture; the square lies within. */
const SIDE = 200;
const EDGE = 28;
/** More are not told apart. */
const MOST_LINES = 12;
const color = (i: number) => `var(--series-${(i % 4) + 1})`;
const dash = (i: number) => [undefined, "6 3", "2 3"][Math.floor(i / 4) % 3];

export function Curves({ curves }: { readonly curves: NonNullable<EvaluationReport["curves"]> }) {
  const area = (list: readonly (Line & { area: number })[]) =>
    list.slice(0, MOST_LINES).map(({ label, area, points }) => ({ label: `${label} (${figure(area)})`, points }));
  const { calibration } = curves;
  const bins = calibration?.bins.filter(({ count }) => count > 0).map(({ confidence, accuracy }): Point => [confidence, accuracy]) ?? [];
  return (
    <section aria-label={t.evaluation.curves}>
      <Title order={2} size="h4">
        {t.evaluation.curves}
      </Title>
      <SimpleGrid cols={{ base: 1, sm: 2, xl: 3 }} mt="xs">
        <Square title={t.evaluation.roc} x={t.evaluation.falsePositives} y={t.evaluation.truePositives} lines={area(curves.roc)} diagonal />
        <Square title={t.evaluation.pr} x={t.evaluation.recall} y={t.evaluation.precision} lines={area(curves.pr)} />
        {calibration && (
          <Square
            title={t.evaluation.calibration(figure(calibration.ece))}
            x={t.evaluation.confidence}
            y={t.evaluation.rightly}
            lines={[{ label: t.evaluation.bins, points: bins }]}
            diagonal
          />
        )}
      </SimpleGrid>
    </section>
  );
}

interface SquareProps {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly lines: readonly Line[];
  /** What guessing, or a perfect calibration, would be. */
  readonly diagonal?: boolean;
}

function Square({ title, x, y, lines, diagonal }: SquareProps) {
  const at = ([a, b]: Point) => `${(EDGE + a * SIDE).toFixed(1)},${(4 + (1 - b) * SIDE).toFixed(1)}`;
  return (
    <figure className="chart">
      <Group justify="space-between" gap="xs">
        <Text component="figcaption" fw={600} size="sm">
          {title}
        </Text>
        <Export
          title={title}
          chart={() => ({
            title,
            x,
            y,
            lines: lines.map(({ label, points }) => ({ label, x: points.map(([at]) => at), y: points.map(([, value]) => value) })),
            within: { x: [0, 1], y: [0, 1] },
          })}
        />
      </Group>
      <svg viewBox={`0 0 ${SIDE + EDGE + 8} ${SIDE + EDGE + 8}`} role="img" aria-label={`${title}: ${lines.map(({ label }) => label).join(", ")}`}>
        <rect x={EDGE} y={4} width={SIDE} height={SIDE} fill="none" stroke="var(--chart-line)" />
        {diagonal && <polyline points={`${at([0, 0])} ${at([1, 1])}`} stroke="var(--chart-text)" strokeDasharray="2 4" fill="none" />}
        {lines.map(({ label, points }, i) => (
          <polyline key={label} points={points.map(at).join(" ")} stroke={color(i)} strokeDasharray={dash(i)} strokeWidth={1.5} fill="none" />
        ))}
        <text x={EDGE + SIDE / 2} y={SIDE + EDGE} textAnchor="middle" className="axis">
          {x}
        </text>
        <text transform={`translate(12 ${4 + SIDE / 2}) rotate(-90)`} textAnchor="middle" className="axis">
          {y}
        </text>
      </svg>
      <ul className="legend">
        {lines.map(({ label }, i) => (
          <li key={label} className="name">
            <svg width="24" height="8" aria-hidden="true">
              <line x1="0" y1="4" x2="24" y2="4" stroke={color(i)} strokeDasharray={dash(i)} strokeWidth="2" />
            </svg>{" "}
            {label}
          </li>
        ))}
      </ul>
    </figure>
  );
}
