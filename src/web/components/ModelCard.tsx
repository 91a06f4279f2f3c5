/** The model card of a run: Markdown made into elements, never into HTML. What stands above it for programs is shown as it is. */
import { Anchor, Button, Code, Group, Loader, Stack, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import Markdown, { type Components } from "react-markdown";
import remarkGfm from "remark-gfm";
import { cardQuery } from "../api.ts";
import { t } from "../texts.ts";
import { Failure } from "./Failure.tsx";
import { Wide } from "./Wide.tsx";

/** A level lower than in the file: the page has a heading of its own. */
const heading = (order: 2 | 3 | 4) =>
  function Heading({ children }: { readonly children?: React.ReactNode }) {
    return (
      <Title order={order} size={`h${order + 1}` as "h3"} mt="md" className="name">
        {children}
      </Title>
    );
  };
const components: Components = {
  h1: heading(2),
  h2: heading(3),
  h3: heading(4),
  a: ({ href, children }) => (
    <Anchor href={href} rel="noreferrer" underline="always">
      {children}
    </Anchor>
  ),
  table: ({ children }) => (
    <Wide minWidth={400}>
      <table className="plain">{children}</table>
    </Wide>
  ),
  pre: ({ children }) => (
    <Code block tabIndex={0}>
      {children}
    </Code>
  ),
};

export function ModelCard({ run, archived }: { readonly run: string; readonly archived: string }) {
  const { data, error, refetch } = useQuery(cardQuery(run, archived));
  if (data === undefined) return error ? <Failure error={error} retry={() => void refetch()} /> : <Loader aria-label={t.loading} />;
  const [, front, text = data] = /^---\n(.*?)\n---\n(.*)$/s.exec(data) ?? [];
  return (
    <Stack maw={900}>
      <Group>
        <Button size="xs" variant="default" component="a" href={`/api/runs/${encodeURIComponent(run)}/report?format=card`} download="README.md">
          {t.experiments.downloadCard}
        </Button>
        <Button size="xs" variant="default" component="a" href={`/api/runs/${encodeURIComponent(run)}/report`} download="report.html">
          {t.run.report}
        </Button>
      </Group>
      <article className="name">
        <Markdown remarkPlugins={[remarkGfm]} components={components} disallowedElements={["img"]} skipHtml>
          {text}
        </Markdown>
      </article>
      {front && (
        <details>
          <summary>{t.experiments.frontMatter}</summary>
          <Code block tabIndex={0}>
            {front}
          </Code>
        </details>
      )}
    </Stack>
  );
}
