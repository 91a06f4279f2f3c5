/** Keys that lead somewhere, from wherever one is but a field that is typed into. */
import { useLocalStorage } from "@mantine/hooks";
import { useNavigate } from "@tanstack/react-router";
import { useEffect } from "react";
import { tinykeys } from "tinykeys";
import type { Me } from "../shared/api/schemas.ts";
import { placesOf } from "./places.ts";
import { t } from "./texts.ts";

/** What lies above all pages and is opened by a key. */
export type Overlay = "palette" | "keys";

export const overlayKeys = [
  { keys: "$mod+k", shown: t.keys.palette, label: t.palette.title, opens: "palette" },
  { keys: "Shift+?", shown: "?", label: t.keys.title, opens: "keys" },
] as const satisfies readonly { readonly keys: string; readonly shown: string; readonly label: string; readonly opens: Overlay }[];

/** Whether keys without Ctrl do anything, as each person may choose in a browser (WCAG 2.1.4). */
export const useSingleKeys = () => useLocalStorage({ key: "trainyard-single-keys", defaultValue: true, getInitialValueInEffect: false });

const isTypedInto = ({ target }: KeyboardEvent): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || target.matches("input, textarea, select, [role=slider]"));

export function useShortcuts(me: Me | undefined, open: (overlay: Overlay) => void): void {
  const navigate = useNavigate();
  const [single] = useSingleKeys();
  useEffect(() => {
    const places = placesOf(me).map(({ to, key }) => ({ keys: `g ${key}`, act: () => void navigate({ to }) }));
    const overlays = overlayKeys.map(({ keys, opens }) => ({ keys, act: () => open(opens) }));
    const all = [...places, ...overlays].filter(({ keys }) => single || keys.startsWith("$mod"));
    return tinykeys(
      window,
      Object.fromEntries(
        all.map(({ keys, act }) => [
          keys,
          (event: KeyboardEvent) => {
            if (!keys.startsWith("$mod") && isTypedInto(event)) return;
            event.preventDefault();
            act();
          },
        ]),
      ),
    );
  }, [me, single, navigate, open]);
}
