/** The heading of a page, which names the tab of the browser too. */
import { Title } from "@mantine/core";
import { useEffect } from "react";
import { t } from "../texts.ts";

export function PageTitle({ children: title }: { readonly children: string }) {
  useEffect(() => {
    document.title = `${title} · ${t.product}`;
  }, [title]);
  return (
    <Title order={1} className="name">
      {title}
    </Title>
  );
}
