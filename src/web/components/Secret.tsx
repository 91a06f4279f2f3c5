/** What is shown once: a link or a token, with a button that copies it. */
import { Button, Code, CopyButton, Group, Text } from "@mantine/core";
import { t } from "../texts.ts";

export function Secret({ label, value }: { readonly label: string; readonly value: string }) {
  return (
    <div role="status">
      <Text size="sm">{label}</Text>
      <Group gap="xs" align="start">
        <Code block tabIndex={0} className="name" flex={1} miw={0}>
          {value}
        </Code>
        <CopyButton value={value}>
          {({ copied, copy }) => (
            <Button size="xs" variant="default" onClick={copy}>
              {copied ? t.admin.copied : t.admin.copy}
            </Button>
          )}
        </CopyButton>
      </Group>
    </div>
  );
}
