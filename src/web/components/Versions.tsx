/** The versions of a dataset, and how far one is from another: what changed, how strongly, in words. */
import { Anchor, Badge, Group, Loader, Select, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { DatasetView } from "../../shared/api/schemas.ts";
import { splitNames } from "../../shared/dataset.ts";
import type { Comparison } from "../../shared/profile.ts";
import { driftQuery, versionsQuery } from "../api.ts";
import { changesOf, listed } from "../drift.ts";
import { count, figure, moment } from "../format.ts";
import { t } from "../texts.ts";
import { Failure } from "./Failure.tsx";
import { Lines } from "./Lines.tsx";
import { State } from "./State.tsx";

const says = t.datasets.history;

interface VersionsProps {
  readonly dataset: DatasetView;
  /** Id of the version that it is compared with; the nearest unless said. */
  readonly against?: string;
  readonly choose: (against: string | undefined) => void;
}

export function Versions({ dataset, against, choose }: VersionsProps) {
  const { data, error, refetch } = useQuery(versionsQuery(dataset.name));
  if (!data) return error ? <Failure error={error} retry={() => void refetch()} /> : <Loader aria-label={t.loading} />;
  const others = data.items.filter(({ id, state }) => id !== dataset.id && state === "ready");
  // The one before it; of the first version, the one after it.
  const nearest = others.find(({ version }) => version < dataset.version) ?? others.at(-1);
  const other = others.find(({ id }) => id === against) ?? nearest;
  return (
    <Stack>
      <section aria-label={says.title}>
        <Title order={2} size="h4">
          {says.title}
        </Title>
        <Lines
          minWidth={560}
          columns={[{ label: says.of }, { label: says.created }, { label: says.state }, { label: says.records, numeric: true }, { label: says.note }]}
          rows={data.items.map((one) => [
            one.id,
            one.id === dataset.id ? (
              `${t.datasets.version(one.version)} (${says.this})`
            ) : (
              <Anchor
                key="version"
                underline="always"
                size="sm"
                renderRoot={(props) => <Link {...props} to="/datasets/$id" params={{ id: one.id }} search={{ tab: "versions" }} />}
              >
                {t.datasets.version(one.version)}
              </Anchor>
            ),
            moment(one.createdAt),
            <State key="state" state={one.state} />,
            one.facts ? count(Object.values(one.facts.records).reduce((sum, of) => sum + of, 0)) : "–",
            one.note,
          ])}
        />
      </section>
      {!other && <Text>{says.only}</Text>}
      {other && (
        <>
          <Select
            label={says.compare}
            maw={300}
            data={others.map(({ id, version }) => ({ value: id, label: t.datasets.version(version) }))}
            allowDeselect={false}
            value={other.id}
            onChange={(id) => choose(id === nearest?.id ? undefined : (id ?? undefined))}
          />
          <Drift versions={[dataset, other].sort((a, b) => a.version - b.version) as [DatasetView, DatasetView]} />
        </>
      )}
    </Stack>
  );
}

function Drift({ versions: [base, other] }: { readonly versions: readonly [DatasetView, DatasetView] }) {
  const { data: drift, error, refetch } = useQuery(driftQuery(base.id, other.id));
  if (!drift) return error ? <Failure error={error} retry={() => void refetch()} /> : <Loader aria-label={t.loading} />;
  const { records, columns, classes, pictures } = drift;
  const verdicts = (verdict: Verdict) => columns.drift.filter((one) => one.verdict === verdict).length;
  return (
    <section aria-label={says.drift(base.version, other.version)}>
      <Stack gap="xs">
        <Title order={2} size="h4">
          {says.drift(base.version, other.version)}
        </Title>
        <ul className="name">
          {splitNames
            .filter((split) => records.base[split] + records.other[split] > 0)
            .map((split) => (
              <li key={split}>{says.counts(t.datasets.split[split], count(records.base[split]), count(records.other[split]))}</li>
            ))}
          {columns.added.length > 0 && <li>{says.added(listed(columns.added))}</li>}
          {columns.removed.length > 0 && <li>{says.removed(listed(columns.removed))}</li>}
          {columns.retyped.map((one) => (
            <li key={one.name}>{says.retyped(one.name, one.base, one.other)}</li>
          ))}
          {columns.drift.length > 0 && <li>{says.summary(verdicts("strongly shifted"), verdicts("shifted"), verdicts("stable"))}</li>}
          {classes && classes.added.length > 0 && <li>{says.addedClasses(listed(classes.added))}</li>}
          {classes && classes.removed.length > 0 && <li>{says.removedClasses(listed(classes.removed))}</li>}
          {pictures && (
            <li>
              {says.brightness(pictures.mean.base.map(figure).join(", "), pictures.mean.other.map(figure).join(", "))}
              {pictures.shift !== undefined && `: ${says.shift(figure(pictures.shift))}`} <Strength verdict={pictures.verdict} />
            </li>
          )}
        </ul>
        {columns.drift.length > 0 && <ColumnDrift drift={columns.drift} />}
        {classes && <ClassDrift classes={classes} />}
      </Stack>
    </section>
  );
}

type Verdict = Comparison["columns"]["drift"][number]["verdict"];
const colours: Readonly<Record<Verdict, string>> = { stable: "teal", shifted: "orange", "strongly shifted": "red" };

function Strength({ verdict }: { readonly verdict: Verdict }) {
  return (
    <Badge color={colours[verdict]} variant="dot" tt="none">
      {says.verdict[verdict]}
    </Badge>
  );
}

function ColumnDrift({ drift }: { readonly drift: Comparison["columns"]["drift"] }) {
  const strongest = drift.toSorted((a, b) => b.psi - a.psi);
  return (
    <>
      <Text size="sm" c="dimmed">
        {says.strengthHint}
      </Text>
      <Lines
        columns={[{ label: says.column }, { label: says.change, width: "11rem" }, { label: says.what }, { label: says.strength, numeric: true }]}
        rows={strongest.map((one) => [
          one.name,
          one.name,
          <Strength key="verdict" verdict={one.verdict} />,
          changesOf(one).join("; ") || says.nothing,
          figure(one.psi),
        ])}
      />
    </>
  );
}

/** Of many classes those that changed most. */
const MOST_CLASSES = 50;

function ClassDrift({ classes: { counts, psi, verdict } }: { readonly classes: NonNullable<Comparison["classes"]> }) {
  const changed = counts.toSorted((a, b) => Math.abs(b.other - b.base) - Math.abs(a.other - a.base));
  return (
    <>
      <Group gap="xs">
        <Title order={3} size="h5">
          {says.classes}
        </Title>
        <Strength verdict={verdict} />
        <Text size="sm">{figure(psi)}</Text>
      </Group>
      <Lines
        minWidth={400}
        columns={[
          { label: t.evaluation.class },
          { label: says.before, numeric: true },
          { label: says.after, numeric: true },
          { label: says.change, numeric: true },
        ]}
        rows={changed
          .slice(0, MOST_CLASSES)
          .map(({ label, base, other }) => [label, label, count(base), count(other), `${other > base ? "+" : ""}${count(other - base)}`])}
      />
      {changed.length > MOST_CLASSES && <Text size="sm">{says.others(changed.length - MOST_CLASSES)}</Text>}
    </>
  );
}
