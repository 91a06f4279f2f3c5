/** Everyone who has an account: who is let in, as what, and links for who is new or has forgotten a password. */
import { Button, Group, Loader, Select, Stack, TextInput } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { type Role, roles, type User } from "../../../shared/api/schemas.ts";
import { client, projectsQuery, queries, usersQuery } from "../../api.ts";
import { Failure } from "../../components/Failure.tsx";
import { Lines } from "../../components/Lines.tsx";
import { Secret } from "../../components/Secret.tsx";
import { moment } from "../../format.ts";
import { assume } from "../../optimistic.ts";
import { t } from "../../texts.ts";

const { person } = t.admin;

interface Edit {
  readonly id: string;
  readonly role?: Role;
  readonly disabled?: boolean;
}

const edited = ({ items }: { readonly items: readonly User[] }, { id, role, disabled }: Edit) => ({
  items: items.map(
    (one): User =>
      one.id === id
        ? { ...one, ...(role && { role }), ...(disabled !== undefined && { state: disabled ? ("disabled" as const) : ("active" as const) }) }
        : one,
  ),
});

export function People() {
  const users = useQuery(usersQuery);
  const edit = useMutation({
    mutationFn: ({ id, ...body }: Edit) => client.call("editUser", { params: { id }, body }),
    onMutate: (change) => assume(usersQuery.queryKey, (before: Parameters<typeof edited>[0]) => edited(before, change)),
    onError: (_, __, takeBack) => takeBack?.(),
    onSettled: () => queries.invalidateQueries({ queryKey: usersQuery.queryKey }),
  });
  const reset = useMutation({
    mutationFn: async ({ id, name }: User) => ({ ...(await client.call("resetPassword", { params: { id } })), name }),
  });
  return (
    <Stack>
      <Invite />
      {reset.data && <Secret label={person.resetLink(reset.data.name, moment(reset.data.expiresAt))} value={reset.data.url} />}
      <Failure error={users.error ?? edit.error ?? reset.error} />
      {users.isPending && <Loader aria-label={t.loading} />}
      {users.data && (
        <Lines
          minWidth={860}
          columns={[{ label: person.name }, { label: person.role }, { label: person.state }, { label: person.last }, { label: t.admin.job.act }]}
          rows={users.data.items.map((user) => [
            user.id,
            user.name,
            <Select
              key="role"
              size="xs"
              w={110}
              aria-label={person.roleOf(user.name)}
              data={[...roles]}
              value={user.role}
              allowDeselect={false}
              onChange={(to) => to && edit.mutate({ id: user.id, role: to as Role })}
            />,
            user.state === "active" ? person.active : person.disabled,
            user.lastLoginAt ? moment(user.lastLoginAt) : person.never,
            <Group key="act" gap="xs" wrap="nowrap">
              <Button
                size="compact-xs"
                variant="default"
                aria-label={`${user.state === "active" ? person.disable : person.enable} ${user.name}`}
                onClick={() => edit.mutate({ id: user.id, disabled: user.state === "active" })}
              >
                {user.state === "active" ? person.disable : person.enable}
              </Button>
              {user.state === "active" && (
                <Button
                  size="compact-xs"
                  variant="default"
                  aria-label={`${person.reset} ${user.name}`}
                  disabled={reset.isPending}
                  onClick={() => reset.mutate(user)}
                >
                  {person.reset}
                </Button>
              )}
            </Group>,
          ])}
        />
      )}
    </Stack>
  );
}

function Invite() {
  const projects = useQuery(projectsQuery);
  const [role, setRole] = useState<Role>("trainer");
  const [name, setName] = useState("");
  const [project, setProject] = useState<string | null>(null);
  const invite = useMutation({
    mutationFn: () => client.call("inviteUser", { body: { role, ...(name && { name }), ...(project && { project }) } }),
    onSuccess: () => setName(""),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    invite.mutate();
  };
  return (
    <Stack gap="xs">
      <form onSubmit={submit}>
        <Group align="end">
          <TextInput label={person.name} description={person.nameHint} value={name} onChange={(event) => setName(event.currentTarget.value)} />
          <Select label={person.role} data={[...roles]} value={role} allowDeselect={false} onChange={(to) => to && setRole(to as Role)} />
          <Select
            label={person.project}
            description={person.projectHint}
            placeholder="default"
            data={projects.data?.items.map(({ id, name }) => ({ value: id, label: name })) ?? []}
            value={project}
            onChange={setProject}
          />
          <Button type="submit" loading={invite.isPending}>
            {person.invite}
          </Button>
        </Group>
      </form>
      <Failure error={invite.error} />
      {invite.data && <Secret label={person.link(moment(invite.data.expiresAt))} value={invite.data.url} />}
    </Stack>
  );
}
