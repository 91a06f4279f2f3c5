/** A few runs, a line each. */
import { Anchor } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { RunSummary } from "../../shared/api/schemas.ts";
import { moment } from "../format.ts";
import { t } from "../texts.ts";
import { Lines } from "./Lines.tsx";
import { State } from "./State.tsx";

const { number, name, state, dataset, model, createdAt } = t.runs.columns;
const columns = [{ label: number, numeric: true, width: "4rem" }, ...[name, state, dataset, model, createdAt].map((label) => ({ label }))];

export function RunTable({ runs }: { readonly runs: readonly RunSummary[] }) {
  return (
    <Lines
      columns={columns}
      rows={runs.map((run) => [
        run.id,
        run.number,
        <Anchor key="name" component={Link} to={`/runs/${run.id}`} underline="always">
          {run.name}
        </Anchor>,
        <State key="state" state={run.state} />,
        run.dataset,
        run.model,
        <time key="created" dateTime={run.createdAt}>
          {moment(run.createdAt)}
        </time>,
      ])}
    />
  );
}
