/** What people say of a run, and every setting. */
import { Button, Code, Group, Stack, TagsInput, Text, Textarea, Title } from "@mantine/core";
import { useState } from "react";
import type { Run } from "../../shared/api/schemas.ts";
import { t } from "../texts.ts";
import { Failure } from "./Failure.tsx";

/** Changes what people say of a run. */
export interface Editing {
  readonly save: (words: Pick<Run, "note" | "tags">) => void;
  readonly isSaving: boolean;
  readonly error: unknown;
}

export function About({ run, editing }: { readonly run: Run; readonly editing: Editing }) {
  return (
    <Stack>
      {!run.experiment && <Words key={run.id} run={run} editing={editing} />}
      {run.experiment && run.note && <Text className="name">{run.note}</Text>}
      <Title order={2} size="h4">
        {t.run.tabs.settings}
      </Title>
      <Code block tabIndex={0}>
        {JSON.stringify(run.settings, null, 2)}
      </Code>
    </Stack>
  );
}

/** A tag is a name, or a name and what it is: team=vision. */
export const tagTexts = (tags: Run["tags"]): string[] => Object.entries(tags).map(([name, value]) => (value ? `${name}=${value}` : name));
const tagsOf = (texts: readonly string[]): Run["tags"] =>
  Object.fromEntries(
    texts.map((text): [string, string] => {
      const [name, ...value] = text.split("=");
      return [name!.trim(), value.join("=").trim()];
    }),
  );

/** What is typed stays until it is saved, whatever the run does meanwhile. */
function Words({ run, editing: { save, isSaving, error } }: { readonly run: Run; readonly editing: Editing }) {
  const [note, setNote] = useState(run.note);
  const [tags, setTags] = useState(tagTexts(run.tags));
  const isChanged = note !== run.note || tags.join("\n") !== tagTexts(run.tags).join("\n");
  return (
    <Stack gap="xs" maw={700}>
      <Textarea label={t.run.note} autosize minRows={2} value={note} onChange={(event) => setNote(event.currentTarget.value)} />
      <TagsInput label={t.run.tags} description={t.run.tagsHint} value={tags} onChange={setTags} />
      <Failure error={error} />
      <Group>
        <Button size="xs" disabled={!isChanged} loading={isSaving} onClick={() => save({ note, tags: tagsOf(tags) })}>
          {t.run.save}
        </Button>
      </Group>
    </Stack>
  );
}
