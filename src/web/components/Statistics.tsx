/** What is known of a dataset: warnings, balance, columns, pictures. */
import { Card, Loader, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { DatasetView } from "../../shared/api/schemas.ts";
import type { Profile } from "../../shared/profile.ts";
import { profileQuery } from "../api.ts";
import { count, figure } from "../format.ts";
import { t } from "../texts.ts";
import { Classes } from "./Classes.tsx";
import { Columns } from "./Columns.tsx";
import { Failure } from "./Failure.tsx";

export function Statistics({ dataset: { id, facts } }: { readonly dataset: DatasetView }) {
  const { data: profile, error, refetch } = useQuery(profileQuery(id));
  if (!profile) return error ? <Failure error={error} retry={() => void refetch()} /> : <Loader aria-label={t.loading} />;
  const { train, validation, test } = profile.records;
  return (
    <Stack>
      <Text>{t.datasets.splits(count(train), count(validation), count(test))}</Text>
      {profile.warnings.length > 0 && (
        <section aria-label={t.datasets.warnings}>
          <Stack gap="xs">
            {profile.warnings.map(({ code, message, fix }) => (
              <Card key={code + message} withBorder padding="sm" className="name">
                <Text size="sm" fw={600}>
                  {message}
                </Text>
                <Text size="sm">{fix}</Text>
              </Card>
            ))}
          </Stack>
        </section>
      )}
      {profile.pictures && <Pictures pictures={profile.pictures} shape={facts!.sampleShape} />}
      {profile.classes && <Classes id={id} classes={profile.classes} />}
      {profile.columns && <Columns columns={profile.columns} />}
    </Stack>
  );
}

/** Of sizes and of files that could not be read. */
const MOST_NAMED = 5;

function Pictures({
  pictures: { sizes, mean, deviation, broken },
  shape,
}: {
  readonly pictures: NonNullable<Profile["pictures"]>;
  readonly shape: readonly number[];
}) {
  const { pictureFacts: says } = t.datasets;
  const [channels, height, width] = shape;
  const named = sizes.slice(0, MOST_NAMED).map((size) => `${size.width} × ${size.height} (${count(size.count)})`);
  const more = sizes.length - named.length;
  const each = (values: readonly number[]) => values.map(figure).join(", ");
  return (
    <section aria-label={t.datasets.pictures}>
      <Title order={2} size="h4">
        {t.datasets.pictures}
      </Title>
      <Text size="sm">{says.shape(width!, height!, channels === 1)}</Text>
      <Text size="sm">{says.sizes([...named, ...(more > 0 ? [says.more(count(more))] : [])].join(", "))}</Text>
      <Text size="sm">{says.brightness(each(mean), each(deviation))}</Text>
      {broken.length > 0 && (
        <>
          <Text size="sm">{says.broken(count(broken.length))}</Text>
          <ul>
            {broken.slice(0, MOST_NAMED).map(({ file, why }) => (
              <li key={file} className="name">
                {file}: {why}
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}
