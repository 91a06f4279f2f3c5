/** For whose time to be signed in has run out: what is typed stays, and what waited goes on. */
import { Anchor, Button, Group, Modal, PasswordInput, Stack, Text } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useEffect, useState } from "react";
import { endpoints } from "../../shared/api/endpoints.ts";
import { client, signIn } from "../api.ts";
import { expiry } from "../reach.ts";
import { t } from "../texts.ts";
import { Failure } from "./Failure.tsx";

export function SignInAgain({ name }: { readonly name: string }) {
  const [password, setPassword] = useState("");
  // Also with a server that does not answer: then it says so.
  const again = useMutation({
    networkMode: "always",
    mutationFn: () => client.call("login", { body: { name, password } }),
    onSuccess: expiry.mended,
  });
  // Who signed in by another page of this browser, as by the team's provider, comes back to this one.
  useEffect(() => {
    const look = async () => {
      const answer = await fetch(endpoints.whoAmI.path).catch(() => undefined);
      if (answer?.ok && (await answer.json()).name === name) expiry.mended();
    };
    window.addEventListener("focus", look);
    return () => window.removeEventListener("focus", look);
  }, [name]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    again.mutate();
  };
  return (
    <Modal opened onClose={() => {}} withCloseButton={false} closeOnClickOutside={false} closeOnEscape={false} title={t.again.title}>
      <form onSubmit={submit}>
        <Stack>
          <Text size="sm">{t.again.lead}</Text>
          <PasswordInput
            data-autofocus
            label={t.again.passwordOf(name)}
            autoComplete="current-password"
            value={password}
            onChange={({ currentTarget }) => setPassword(currentTarget.value)}
          />
          <Failure error={again.error} />
          <Group justify="space-between">
            <Button type="submit" loading={again.isPending}>
              {t.again.signIn}
            </Button>
            <Group gap="sm">
              <Anchor href="/login" target="_blank" size="sm" underline="always">
                {t.again.elsewhere}
              </Anchor>
              <Button variant="subtle" size="compact-sm" onClick={signIn}>
                {t.again.other}
              </Button>
            </Group>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
