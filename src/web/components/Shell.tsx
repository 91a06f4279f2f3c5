/** What is around every page: where one can go, and who one is. */
import {
  ActionIcon,
  Anchor,
  AppShell,
  Burger,
  Button,
  Divider,
  Group,
  NavLink,
  Text,
  useComputedColorScheme,
  useMantineColorScheme,
} from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { onlineManager, useQuery } from "@tanstack/react-query";
import { Link, Outlet, useRouterState } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useState, useSyncExternalStore } from "react";
import { client, meQuery, signIn } from "../api.ts";
import { placesOf } from "../places.ts";
import { expiry } from "../reach.ts";
import { type Overlay, useShortcuts } from "../shortcuts.ts";
import { t } from "../texts.ts";

const Palette = lazy(() => import("./Palette.tsx").then(({ Palette }) => ({ default: Palette })));
const Keys = lazy(() => import("./Keys.tsx").then(({ Keys }) => ({ default: Keys })));
const SignInAgain = lazy(() => import("./SignInAgain.tsx").then(({ SignInAgain }) => ({ default: SignInAgain })));

export function Shell() {
  const [opened, { toggle, close }] = useDisclosure();
  const path = useRouterState({ select: ({ location }) => location.pathname });
  const { data: me } = useQuery(meQuery);
  const [overlay, setOverlay] = useState<Overlay>();
  useShortcuts(me, setOverlay);
  const expired = useSyncExternalStore(expiry.subscribe, expiry.isOver);
  const online = useSyncExternalStore(onlineManager.subscribe.bind(onlineManager), () => onlineManager.isOnline());
  // biome-ignore lint/correctness/useExhaustiveDependencies: the menu closes when the page is another
  useEffect(close, [path]);
  return (
    <AppShell header={{ height: 56 }} navbar={{ width: 200, breakpoint: "sm", collapsed: { mobile: !opened } }} padding="md">
      <Anchor href="#content" className="skip">
        {t.skip}
      </Anchor>
      <AppShell.Header>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap">
          <Group wrap="nowrap" gap="sm">
            <Burger opened={opened} onClick={toggle} hiddenFrom="sm" size="sm" aria-label={t.menu} />
            <Text fw={700} size="lg">
              {t.product}
            </Text>
          </Group>
          <Group wrap="nowrap" gap="xs">
            <Button variant="default" size="xs" onClick={() => setOverlay("palette")} aria-keyshortcuts="Control+K">
              {t.search}
            </Button>
            <Scheme />
            {me && (
              <Text className="name" size="sm">
                {me.name}
              </Text>
            )}
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs" aria-label={t.menu}>
        {placesOf(me).map(({ to, label }) => {
          const active = to === "/" ? path === "/" : path.startsWith(to);
          return <NavLink key={to} component={Link} to={to} label={label} active={active} aria-current={active ? "page" : undefined} />;
        })}
        <Divider my="xs" mt="auto" />
        <NavLink component="a" href="/docs" label={t.nav.api} />
        <NavLink component={Link} to="/me" label={t.me.title} active={path === "/me"} aria-current={path === "/me" ? "page" : undefined} />
        {me && (
          <NavLink
            component="button"
            label={t.signOut}
            description={t.signedInAs(me.name)}
            onClick={() => client.call("logout", {}).finally(signIn)}
          />
        )}
      </AppShell.Navbar>
      <AppShell.Main id="content">
        <Text role="status" className="notice bad">
          {!online && t.offline}
        </Text>
        <Outlet />
      </AppShell.Main>
      <Suspense>
        {overlay === "palette" && <Palette close={() => setOverlay(undefined)} showKeys={() => setOverlay("keys")} />}
        {overlay === "keys" && <Keys close={() => setOverlay(undefined)} />}
        {me && expired && <SignInAgain name={me.name} />}
      </Suspense>
    </AppShell>
  );
}

function Scheme() {
  const { setColorScheme } = useMantineColorScheme();
  const scheme = useComputedColorScheme("light");
  return (
    <ActionIcon variant="subtle" color="gray" aria-label={t.scheme} onClick={() => setColorScheme(scheme === "dark" ? "light" : "dark")}>
      <span aria-hidden="true">◐</span>
    </ActionIcon>
  );
}
