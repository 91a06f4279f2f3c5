/** Files of one's own on their way to becoming a dataset: chosen or dropped, named, sent, and then looked at by the server. */
import { Button, Card, FileButton, Group, Progress, Stack, Text, TextInput, Title } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useRef, useSyncExternalStore } from "react";
import { registerDataset } from "../../shared/api/schemas.ts";
import { datasetName } from "../file-names.ts";
import { size } from "../format.ts";
import { t } from "../texts.ts";
import { type Upload, uploading } from "../upload.ts";
import { DropZone } from "./DropZone.tsx";
import { Failure } from "./Failure.tsx";

export function AddData() {
  const uploads = useSyncExternalStore(uploading.subscribe, uploading.get);
  const forget = useRef<() => void>(null);
  const choose = (files: readonly File[]) => {
    if (files.length) uploading.choose(files, datasetName(files[0]!.name));
    forget.current?.(); // so that the same file can be chosen again
  };
  return (
    <Card withBorder component="section" aria-label={t.datasets.add}>
      <DropZone dropped={choose} />
      <Stack gap="sm">
        <Group justify="space-between" align="start">
          <Text size="sm" flex="1 1 16rem">
            {t.datasets.drop}
          </Text>
          <FileButton multiple onChange={choose} resetRef={forget}>
            {(props) => <Button {...props}>{t.datasets.choose}</Button>}
          </FileButton>
        </Group>
        {uploads.map((one) => (
          <Sending key={one.key} upload={one} />
        ))}
      </Stack>
    </Card>
  );
}

/** What the server would say of a name, before anything is sent. */
const problemOf = (name: string): string | undefined => {
  const checked = registerDataset.shape.name.safeParse(name);
  return checked.success ? undefined : checked.error.issues[0]!.message;
};

function Sending({ upload: { key, name, files, state, progress, error } }: { readonly upload: Upload }) {
  const navigate = useNavigate();
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const dataset = await uploading.start(key);
    // Whoever went elsewhere meanwhile stays there.
    if (dataset && location.pathname === "/datasets") void navigate({ to: "/datasets/$id", params: { id: dataset.id } });
  };
  const percent = Math.floor(100 * progress.share);
  const names = files.length > 3 ? `${files[0]!.name}, … ${files.at(-1)!.name}` : files.map((file) => file.name).join(", ");
  const problem = problemOf(name);
  const says =
    state === "registering" ? t.datasets.registering : state === "sending" && (progress.waiting ? t.datasets.waiting : t.datasets.uploading(percent));
  return (
    <form onSubmit={submit} aria-label={t.datasets.addedAs(name)}>
      <Stack gap="xs">
        <Title order={2} size="h5" className="name">
          {t.datasets.files(names, size(files.reduce((sum, file) => sum + file.size, 0)))}
        </Title>
        <Group align="start">
          <TextInput
            label={t.datasets.name}
            value={name}
            onChange={(event) => uploading.rename(key, event.currentTarget.value)}
            error={problem}
            disabled={state === "registering"}
            flex="1 1 14rem"
          />
          <Group mt={24}>
            <Button type="submit" loading={state !== "chosen"} disabled={problem !== undefined}>
              {error ? t.datasets.goOn : t.datasets.register}
            </Button>
            <Button variant="default" onClick={() => uploading.remove(key)}>
              {t.datasets.takeBack}
            </Button>
          </Group>
        </Group>
        {state !== "chosen" && (
          <Progress value={100 * progress.share} color={progress.waiting ? "orange" : undefined} aria-label={t.datasets.uploading(percent)} />
        )}
        <Text size="sm" role="status" className={progress.waiting ? "bad" : undefined}>
          {says}
        </Text>
        <Failure error={error} />
      </Stack>
    </form>
  );
}
