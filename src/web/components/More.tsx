/** The button that brings the next page of a list, while there is one. */
import { Button, Group } from "@mantine/core";
import type { UseInfiniteQueryResult } from "@tanstack/react-query";
import { t } from "../texts.ts";

export function More({ of }: { readonly of: Pick<UseInfiniteQueryResult, "hasNextPage" | "isFetchingNextPage" | "fetchNextPage"> }) {
  if (!of.hasNextPage) return null;
  return (
    <Group mt="xs">
      <Button variant="default" loading={of.isFetchingNextPage} onClick={() => void of.fetchNextPage()}>
        {t.more}
      </Button>
    </Group>
  );
}
