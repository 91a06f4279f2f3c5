/** What steps of preprocessing do: some records before the first one and after each. */
import { SegmentedControl, Stack, Text, Title } from "@mantine/core";
import { useEffect, useMemo, useRef, useState } from "react";
import type { Outgoing } from "../../shared/api/endpoints.ts";
import { count, figure } from "../format.ts";
import { rangeOf, shades } from "../steps.ts";
import { t } from "../texts.ts";
import { Lines } from "./Lines.tsx";

type Effect = Outgoing<"previewSteps">;
type Stage = Effect["stages"][number];
type Pictures = Extract<Stage, { pictures: unknown }>;
type Table = Extract<Stage, { rows: unknown }>;

interface EffectProps {
  readonly effect: Effect;
  readonly titleOf: (step: string) => string;
  /** Whether another list is being computed. */
  readonly isOld: boolean;
}

export function StepEffect({ effect: { stages, problem, fittedOn }, titleOf, isOld }: EffectProps) {
  const nameOf = ({ step }: Stage, i: number) => (step === undefined ? t.steps.raw : t.steps.after(i, titleOf(step)));
  const first = stages[0]!;
  return (
    <section aria-label={t.steps.effect} aria-busy={isOld} style={{ opacity: isOld ? 0.6 : 1 }}>
      <Stack gap="xs">
        <Title order={2} size="h4">
          {t.steps.effect}
        </Title>
        <Text size="sm">{t.steps.effectOn(count(fittedOn))}</Text>
        {problem && (
          <Text size="sm" className="bad name">
            {problem.message}. {problem.fix}
          </Text>
        )}
        {"pictures" in first ? (
          stages.map((stage, i) => {
            const title = nameOf(stage, i);
            return <PictureStage key={title} title={title} stage={stage as Pictures} />;
          })
        ) : (
          <TableStages stages={stages as readonly Table[]} nameOf={nameOf} />
        )}
      </Stack>
    </section>
  );
}

function PictureStage({ title, stage: { shape, pictures } }: { readonly title: string; readonly stage: Pictures }) {
  const [channels, height, width] = shape as [number, number, number];
  const range = useMemo(() => rangeOf(pictures), [pictures]);
  return (
    <div>
      <Text size="sm">
        <strong>{title}</strong>: {t.steps.shape(width, height, channels)}, {t.steps.scaled(figure(range[0]), figure(range[1]))}
      </Text>
      <div className="samples">
        {pictures.map((picture, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: samples have no name, and stay where they are
          <Drawn key={i} picture={picture} shape={shape} range={range} label={`${title}, ${t.steps.sample(i + 1)}`} />
        ))}
      </div>
    </div>
  );
}

interface DrawnProps {
  readonly picture: readonly number[];
  readonly shape: readonly number[];
  readonly range: readonly [number, number];
  readonly label: string;
}

function Drawn({ picture, shape, range, label }: DrawnProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [, height, width] = shape as [number, number, number];
  useEffect(() => {
    const context = canvas.current!.getContext("2d")!;
    context.putImageData(new ImageData(shades(picture, shape, range), width, height), 0, 0);
  }, [picture, shape, range, width, height]);
  return <canvas ref={canvas} width={width} height={height} role="img" aria-label={label} className="pixels" />;
}

/** Columns of a stage that a page has room for. */
const MOST_COLUMNS = 40;

function TableStages({ stages, nameOf }: { readonly stages: readonly Table[]; readonly nameOf: (stage: Stage, i: number) => string }) {
  const [chosen, setChosen] = useState<number>();
  const at = Math.min(chosen ?? stages.length - 1, stages.length - 1);
  const { columns, rows, more } = stages[at]!;
  const before = new Set(stages[at - 1]?.columns.map(({ name }) => name));
  const now = new Set(columns.map(({ name }) => name));
  const added = at > 0 ? columns.filter(({ name }) => !before.has(name)).length : 0;
  const removed = [...before].filter((name) => !now.has(name)).length;
  const shown = columns.slice(0, MOST_COLUMNS);
  const unshown = more + columns.length - shown.length;
  return (
    <>
      {stages.length > 1 && (
        <div className="scrolled">
          <SegmentedControl
            aria-label={t.steps.effect}
            size="xs"
            data={stages.map((stage, i) => ({ value: String(i), label: nameOf(stage, i) }))}
            value={String(at)}
            onChange={(value) => setChosen(Number(value) === stages.length - 1 ? undefined : Number(value))}
          />
        </div>
      )}
      <Text size="sm" role="status">
        {t.steps.columns(columns.length + more, added, removed)}
      </Text>
      <Lines
        minWidth={100 * shown.length}
        columns={shown.map(({ name, type }) => ({ label: name, numeric: type === "number" }))}
        rows={rows.map((row, i) => [
          String(i),
          ...row.slice(0, MOST_COLUMNS).map((cell) => (cell === null ? "–" : typeof cell === "number" ? figure(cell) : cell)),
        ])}
      />
      {unshown > 0 && <Text size="sm">{t.steps.more(unshown)}</Text>}
    </>
  );
}
