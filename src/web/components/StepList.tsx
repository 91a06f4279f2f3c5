/** The steps of preprocessing that a run takes: those chosen for it, or those that suit the dataset. */
import { Anchor, Text } from "@mantine/core";
import type { CatalogEntry } from "../../shared/api/schemas.ts";
import { shown } from "../param-text.ts";
import type { Step } from "../steps.ts";
import { t } from "../texts.ts";
import { Steps } from "./Steps.tsx";

interface StepListProps {
  readonly own: readonly Step[] | undefined;
  readonly usual: readonly Step[];
  readonly entries: readonly CatalogEntry[];
  /** Id of the version to try them on: only then they can be changed. */
  readonly dataset?: string;
  /** Nothing: as the dataset has them. */
  readonly change: (steps: readonly Step[] | undefined) => void;
}

export function StepList({ own, usual, entries, dataset, change }: StepListProps) {
  return (
    <>
      <Text size="sm" c="dimmed">
        {own ? t.train.stepsOwn : t.train.stepsUsual}
      </Text>
      {dataset ? (
        <Steps value={own ?? usual} onChange={change} dataset={dataset} />
      ) : (
        <ol className="reasons">
          {(own ?? usual).map(({ step, params = {} }, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a step may be there twice, and its place is what it is told by
            <li key={i} className="name">
              {[
                entries.find(({ id }) => id === step)?.title ?? step,
                ...Object.entries(params).flatMap(([name, value]) => (shown(value) ? [`${name}: ${shown(value)}`] : [])),
              ].join(", ")}
            </li>
          ))}
        </ol>
      )}
      {own && (
        <Anchor component="button" type="button" size="sm" underline="always" onClick={() => change(undefined)}>
          {t.train.stepsReset}
        </Anchor>
      )}
    </>
  );
}
