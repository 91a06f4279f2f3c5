/** One's own account: password, tokens, the projects that one is in, and the way out. */
import { Button, Group, PasswordInput, Stack, Text, Title } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, type ReactNode, useState } from "react";
import { client, meQuery, signIn } from "../api.ts";
import { Failure } from "../components/Failure.tsx";
import { PageTitle } from "../components/PageTitle.tsx";
import { t } from "../texts.ts";
import { Projects } from "./admin/Projects.tsx";
import { Tokens } from "./admin/Tokens.tsx";

const { me: texts } = t;

export function Me() {
  // What one may do changes when an administrator says so.
  const { data, error } = useQuery({ ...meQuery, refetchOnMount: "always" });
  const [project, show] = useState<string>();
  const leave = useMutation({
    mutationFn: (everywhere: boolean) => client.call("logout", { body: { everywhere } }),
    onSuccess: signIn,
  });
  return (
    <Stack gap="xl">
      <Group justify="space-between">
        <div>
          <PageTitle>{texts.title}</PageTitle>
          {data && <Text className="name">{texts.is(data.name, data.role)}</Text>}
        </div>
        <Group gap="xs">
          <Button variant="default" loading={leave.isPending} onClick={() => leave.mutate(false)}>
            {texts.signOut}
          </Button>
          <Button variant="default" loading={leave.isPending} onClick={() => leave.mutate(true)}>
            {texts.everywhere}
          </Button>
        </Group>
      </Group>
      <Failure error={error ?? leave.error} />
      <Part title={texts.password}>
        <Password />
      </Part>
      <Part title={texts.tokens}>
        <Text size="sm" mb="xs">
          {texts.tokensHint}
        </Text>
        <Tokens own />
      </Part>
      <Part title={texts.projects}>
        <Projects open={project} show={show} />
      </Part>
    </Stack>
  );
}

function Part({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <section aria-label={title}>
      <Title order={2} size="h3" mb="xs">
        {title}
      </Title>
      {children}
    </section>
  );
}

function Password() {
  const [current, setCurrent] = useState("");
  const [password, setPassword] = useState("");
  const change = useMutation({
    mutationFn: () => client.call("changePassword", { body: { current, password } }),
    onSuccess: () => {
      setCurrent("");
      setPassword("");
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    change.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="xs" maw={400}>
        <PasswordInput
          label={texts.current}
          autoComplete="current-password"
          required
          value={current}
          onChange={(event) => setCurrent(event.currentTarget.value)}
        />
        <PasswordInput
          label={texts.new}
          description={texts.newHint}
          autoComplete="new-password"
          required
          minLength={10}
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
        />
        <Failure error={change.error} />
        <Group>
          <Button type="submit" loading={change.isPending}>
            {texts.change}
          </Button>
          <Text role="status" className="good">
            {change.isSuccess && texts.changed}
          </Text>
        </Group>
      </Stack>
    </form>
  );
}
