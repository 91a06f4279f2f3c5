/** From the data to the model: a box for each thing, a link in each box. */
import { useMediaQuery } from "@mantine/hooks";
import { Link } from "@tanstack/react-router";
import type { Experiment, Lineage, Manifest } from "../../shared/api/schemas.ts";
import { boxesOf, boxSize, drawingOf, type Placed } from "../lineage.ts";
import { t } from "../texts.ts";
import { Wide } from "./Wide.tsx";

interface LineageProps {
  readonly experiment: Experiment;
  readonly manifest: Manifest;
  readonly lineage?: Lineage;
}

export function LineagePicture({ experiment, manifest, lineage }: LineageProps) {
  const narrow = useMediaQuery("(max-width: 48em)") ?? false;
  const { width, height, boxes, arrows } = drawingOf(boxesOf(experiment, manifest, lineage), narrow);
  return (
    <Wide minWidth={width + 2}>
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset is no picture */}
      <svg
        width={width + 2}
        height={height + 2}
        viewBox={`-1 -1 ${width + 2} ${height + 2}`}
        role="group"
        aria-label={t.experiments.lineage.title}
        className="lineage"
      >
        <defs>
          <marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto-start-reverse">
            <path d="M0 0 8 4 0 8z" fill="var(--chart-text)" />
          </marker>
        </defs>
        {arrows.map((path) => (
          <path key={path} d={path} fill="none" stroke="var(--chart-text)" markerEnd="url(#head)" />
        ))}
        {boxes.map((box) => (
          <Leading key={box.key} box={box} />
        ))}
      </svg>
    </Wide>
  );
}

function Leading({ box }: { readonly box: Placed }) {
  const name = [box.kind, box.title, box.detail].filter(Boolean).join(", ");
  const drawn = <Drawn box={box} name={name} />;
  if (box.page)
    return (
      <Link to={box.page} aria-label={name}>
        {drawn}
      </Link>
    );
  return box.file ? (
    <a href={box.file} download aria-label={name}>
      {drawn}
    </a>
  ) : (
    drawn
  );
}

/** Characters that fit a box. */
const MOST = 21;
const cut = (text: string): string => ([...text].length > MOST ? `${[...text].slice(0, MOST - 1).join("")}…` : text);

function Drawn({ box: { x, y, kind, title, detail, page, file }, name }: { readonly box: Placed; readonly name: string }) {
  const leads = page !== undefined || file !== undefined;
  return (
    <g transform={`translate(${x} ${y})`}>
      <title>{name}</title>
      <rect
        width={boxSize.width}
        height={boxSize.height}
        rx="8"
        className="node"
        stroke={leads ? "var(--series-1)" : "var(--chart-text)"}
        strokeDasharray={leads ? undefined : "4 4"}
      />
      <text x="12" y="18" className="axis">
        {kind}
      </text>
      <text x="12" y="37" className="title">
        {cut(title)}
      </text>
      {detail && (
        <text x="12" y="54" className="axis">
          {cut(detail)}
        </text>
      )}
    </g>
  );
}
