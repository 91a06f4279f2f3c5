/** A button for what cannot be undone: asks first, in its own place. */
import { Button, type ButtonProps, Group, Text } from "@mantine/core";
import { useState } from "react";
import { t } from "../texts.ts";

interface ConfirmProps extends Pick<ButtonProps, "size" | "loading" | "disabled"> {
  readonly label: string;
  /** What is done then, as it follows "Yes:". */
  readonly what: string;
  readonly act: () => void;
}

export function Confirm({ label, what, act, size = "xs", ...rest }: ConfirmProps) {
  /** `back`: it was asked, and answered; the button is again where one was. */
  const [state, set] = useState<"idle" | "asking" | "back">("idle");
  if (state !== "asking")
    return (
      <Button size={size} variant="default" autoFocus={state === "back"} onClick={() => set("asking")} {...rest}>
        {label}
      </Button>
    );
  return (
    <Group gap="xs" role="group" aria-label={t.admin.sure}>
      <Text size="sm">{t.admin.sure}</Text>
      <Button
        size={size}
        color="red"
        onClick={() => {
          set("back");
          act();
        }}
      >
        {t.admin.yes(what)}
      </Button>
      <Button size={size} variant="default" autoFocus onClick={() => set("back")}>
        {t.admin.no}
      </Button>
    </Group>
  );
}
