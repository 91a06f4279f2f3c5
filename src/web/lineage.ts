/** Where the boxes of a lineage stand, and which arrows join them: in a line from left to right, or from top to bottom on a narrow screen. */
import type { Experiment, Lineage, Manifest } from "../shared/api/schemas.ts";
import { count } from "./format.ts";
import { t } from "./texts.ts";

/** What a box says, and the page of the application or file that it leads to. */
export interface Box {
  readonly key: string;
  readonly kind: string;
  readonly title: string;
  readonly detail?: string;
  readonly page?: string;
  readonly file?: string;
}
export interface Placed extends Box {
  /** Of its upper left corner, in pixels. */
  readonly x: number;
  readonly y: number;
}
export interface Drawing {
  readonly width: number;
  readonly height: number;
  readonly boxes: readonly Placed[];
  /** Paths of SVG, each with a head at its end. */
  readonly arrows: readonly string[];
}

export const boxSize = { width: 168, height: 66 } as const;
/** Of two lines of boxes, a narrow screen has room for this. */
const gap = 18;
/** Of reproductions; a table tells of all. */
const MOST_AFTER = 3;

interface Boxes {
  /** From the data to what serves, the run in the middle. */
  readonly main: readonly Box[];
  readonly before: readonly Box[];
  readonly after: readonly Box[];
}

export function boxesOf(experiment: Experiment, { settings, source, facts, run }: Manifest, lineage: Lineage | undefined): Boxes {
  const { kinds } = t.experiments.lineage;
  const at = t.experiments.lineage;
  const steps = settings.preprocessing ?? facts.dataset.preprocessing ?? [];
  const { train, validation, test } = facts.dataset.samples;
  const page = (tab: string) => `/experiments/${experiment.id}?tab=${tab}`;
  return {
    main: [
      {
        key: "dataset",
        kind: kinds.dataset,
        title: source ? `${source.name}@${source.version}` : settings.dataset.id,
        detail: at.records(count(train + validation + test)),
        page: lineage?.dataset
          ? `/datasets/${lineage.dataset}`
          : source
            ? page("manifest")
            : `/train?dataset=${encodeURIComponent(settings.dataset.id)}`,
      },
      {
        key: "preprocessing",
        kind: kinds.preprocessing,
        title: steps.length ? at.steps(steps.length) : at.noSteps,
        detail: steps.map(({ step }) => step).join(", ") || undefined,
        page: page("manifest"),
      },
      {
        key: "run",
        kind: kinds.run,
        title: run.name,
        detail: `#${run.number}${lineage?.resumed ? `, ${at.resumed(lineage.resumed)}` : ""}`,
        page: `/runs/${experiment.run}`,
      },
      {
        key: "model",
        kind: kinds.model,
        title: settings.model.id,
        detail: at.parameters(count(facts.parameters)),
        file: fileOf(experiment.id, "model.onnx"),
      },
      { key: "deployment", kind: kinds.deployment, title: at.notDeployed },
    ],
    before: [
      ...(lineage?.duplicates
        ? [{ key: "duplicates", kind: kinds.duplicates, title: lineage.duplicates.name, page: `/runs/${lineage.duplicates.id}` }]
        : []),
      ...(lineage?.reproduces
        ? [
            {
              key: "reproduces",
              kind: kinds.reproduces,
              title: lineage.reproduces.name,
              detail: lineage.reproduction && outcomeOf(lineage.reproduction),
              page: `/experiments/${lineage.reproduces.id}`,
            },
          ]
        : []),
    ],
    after: (lineage?.reproductions ?? []).slice(0, MOST_AFTER).map(({ id, name, state, reproduction }) => ({
      key: id,
      kind: kinds.reproduced,
      title: name,
      detail: reproduction ? outcomeOf(reproduction) : t.states[state],
      page: `/runs/${id}`,
    })),
  };
}

export const fileOf = (experiment: string, name: string): string =>
  `/api/experiments/${encodeURIComponent(experiment)}/artifacts/${encodeURIComponent(name)}`;

/** In a few words: bit-identical or not. */
export const outcomeOf = ({ same }: { readonly same: boolean }): string => (same ? t.experiments.same : t.experiments.other);

const { width, height } = boxSize;

export function drawingOf({ main, before, after }: Boxes, narrow: boolean): Drawing {
  const run = main.findIndex(({ key }) => key === "run");
  const above = before.length && !narrow ? 1 : 0;
  // Where a box stands in the line of the main ones, and how far beside it.
  const place = (along: number, beside: number) =>
    narrow ? { x: beside * (width + gap), y: along * (height + gap) } : { x: along * (width + gap), y: (above + beside) * (height + gap) };
  const placed = {
    main: main.map((box, i) => ({ ...box, ...place(i, 0) })),
    before: before.map((box, i) => ({ ...box, ...place(narrow ? i : run - i, narrow ? 1 : -1) })),
    after: after.map((box, i) => ({ ...box, ...place(run + i + (narrow ? 1 : 0), 1) })),
  };
  const ofRun = placed.main[run]!;
  const boxes = [...placed.main, ...placed.before, ...placed.after];
  return {
    width: Math.max(...boxes.map(({ x }) => x)) + width,
    height: Math.max(...boxes.map(({ y }) => y)) + height,
    boxes,
    arrows: [
      ...placed.main.slice(1).map((to, i) => arrow(placed.main[i]!, to, narrow ? "down" : "right")),
      ...placed.before.map((from) => arrow(from, ofRun, narrow ? "back" : "down")),
      ...placed.after.map((to) => arrow(ofRun, to, narrow ? "right" : "down")),
    ],
  };
}

type Place = Pick<Placed, "x" | "y">;

/** Bent where the two are not in one line. `back`: from the left side of one to the right side of the other. */
function arrow(from: Place, to: Place, way: "right" | "down" | "back"): string {
  if (way === "down") {
    const [x1, y1, x2, y2] = [from.x + width / 2, from.y + height, to.x + width / 2, to.y - 2];
    return `M${x1} ${y1}C${x1} ${(y1 + y2) / 2} ${x2} ${(y1 + y2) / 2} ${x2} ${y2}`;
  }
  const [x1, x2] = way === "right" ? [from.x + width, to.x - 2] : [from.x, to.x + width + 2];
  const [y1, y2] = [from.y + height / 2, to.y + height / 2];
  return `M${x1} ${y1}C${(x1 + x2) / 2} ${y1} ${(x1 + x2) / 2} ${y2} ${x2} ${y2}`;
}
