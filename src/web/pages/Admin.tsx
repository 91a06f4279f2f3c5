/** What an administrator sees and does. Each tab is loaded when it is looked at, and what it shows is in the address. */
import { Loader, Stack, Tabs } from "@mantine/core";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { type ComponentType, lazy, Suspense } from "react";
import { known } from "../admin-search.ts";
import { PageTitle } from "../components/PageTitle.tsx";
import { t } from "../texts.ts";

type Tab = keyof typeof t.admin.tabs;

const tabs = {
  workers: lazy(() => import("./admin/Workers.tsx").then(({ Workers }) => ({ default: Workers }))),
  events: lazy(() => import("./admin/Events.tsx").then(({ Events }) => ({ default: Events }))),
  messages: lazy(() => import("./admin/Messages.tsx").then(({ Messages }) => ({ default: Messages }))),
  people: lazy(() => import("./admin/People.tsx").then(({ People }) => ({ default: People }))),
  tokens: lazy(() => import("./admin/Tokens.tsx").then(({ Tokens }) => ({ default: Tokens }))),
  projects: lazy(() => import("./admin/Projects.tsx").then(({ AllProjects }) => ({ default: AllProjects }))),
  storage: lazy(() => import("./admin/Storage.tsx").then(({ Storage }) => ({ default: Storage }))),
  log: lazy(() => import("./admin/Log.tsx").then(({ Log }) => ({ default: Log }))),
} as const satisfies Record<Tab, ComponentType>;
const names = Object.keys(tabs) as Tab[];

export function Admin() {
  const { tab: given, entity } = useSearch({ from: "/admin" });
  const navigate = useNavigate({ from: "/admin" });
  const tab = known(names, given) ?? (entity ? "events" : "workers");
  const Content = tabs[tab];
  return (
    <Stack>
      <PageTitle>{t.admin.title}</PageTitle>
      <Tabs value={tab} onChange={(to) => void navigate({ search: { tab: to ?? undefined }, replace: true })} keepMounted={false}>
        <Tabs.List mb="md">
          {names.map((one) => (
            <Tabs.Tab key={one} value={one}>
              {t.admin.tabs[one]}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value={tab}>
          <Suspense fallback={<Loader aria-label={t.loading} />}>
            <Content />
          </Suspense>
        </Tabs.Panel>
      </Tabs>
    </Stack>
  );
}
