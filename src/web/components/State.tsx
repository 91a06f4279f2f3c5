/** The state of a run or dataset. */
import { Badge } from "@mantine/core";
import { t } from "../texts.ts";

const colors: Readonly<Record<string, string>> = {
  running: "blue",
  stopping: "orange",
  reading: "blue",
  previewing: "blue",
  succeeded: "teal",
  ready: "teal",
  failed: "red",
  stopped: "orange",
};

export function State({ state }: { readonly state: keyof typeof t.states }) {
  return (
    <Badge color={colors[state] ?? "gray"} variant="dot" tt="none" miw="max-content">
      {t.states[state]}
    </Badge>
  );
}
