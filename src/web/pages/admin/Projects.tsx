/** Projects and who is in them, and what is shared by links: all for administrators, those that one is in on one's own page. */
import { Anchor, Button, Group, Loader, Select, Stack, Text, TextInput, Title } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { type Project, type Role, roles, type Share } from "../../../shared/api/schemas.ts";
import { client, meQuery, projectsQuery, queries, sharesQuery, usersQuery } from "../../api.ts";
import { Confirm } from "../../components/Confirm.tsx";
import { Failure } from "../../components/Failure.tsx";
import { Lines } from "../../components/Lines.tsx";
import { count, moment } from "../../format.ts";
import { assume } from "../../optimistic.ts";
import { t } from "../../texts.ts";

const { project: texts, share: shareTexts } = t.admin;

type All = { readonly items: readonly Project[] };
const replaced = (change: Pick<Project, "id"> & Partial<Project>) => (before: All) => ({
  items: before.items.map((one) => (one.id === change.id ? { ...one, ...change } : one)),
});
const changed = () => {
  void queries.invalidateQueries({ queryKey: projectsQuery.queryKey });
  void queries.invalidateQueries({ queryKey: meQuery.queryKey });
};

export function AllProjects() {
  const { project } = useSearch({ from: "/admin" });
  const navigate = useNavigate({ from: "/admin" });
  return <Projects open={project} show={(id) => void navigate({ search: (before) => ({ ...before, project: id }), replace: true })} />;
}

interface ProjectsProps {
  /** The one whose members are shown. */
  readonly open: string | undefined;
  readonly show: (id: string | undefined) => void;
}

export function Projects({ open, show }: ProjectsProps) {
  const { data: me } = useQuery(meQuery);
  const projects = useQuery(projectsQuery);
  const chosen = projects.data?.items.find(({ id }) => id === open);
  return (
    <Stack>
      {me && me.role !== "viewer" && <NewProject show={show} />}
      <Failure error={projects.error} />
      {projects.isPending && <Loader aria-label={t.loading} />}
      {projects.data && (
        <Lines
          minWidth={560}
          columns={[
            { label: texts.name },
            { label: texts.role },
            { label: texts.members, numeric: true },
            { label: texts.createdBy },
            { label: texts.created },
          ]}
          rows={projects.data.items.map(({ id, name, role, members, createdBy, createdAt }) => [
            id,
            <Anchor
              key="name"
              component="button"
              size="sm"
              underline="always"
              aria-expanded={id === open}
              onClick={() => show(id === open ? undefined : id)}
            >
              {name}
            </Anchor>,
            role,
            count(members.length),
            createdBy,
            moment(createdAt),
          ])}
        />
      )}
      {chosen && <Members key={chosen.id} project={chosen} />}
      <Shares />
    </Stack>
  );
}

function NewProject({ show }: Pick<ProjectsProps, "show">) {
  const [name, setName] = useState("");
  const make = useMutation({
    mutationFn: () => client.call("createProject", { body: { name } }),
    onSuccess: ({ id }) => {
      setName("");
      changed();
      show(id);
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    make.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Group align="end">
        <TextInput label={texts.newName} required maxLength={63} value={name} onChange={(event) => setName(event.currentTarget.value)} />
        <Button type="submit" loading={make.isPending}>
          {texts.make}
        </Button>
      </Group>
      <Failure error={make.error} />
    </form>
  );
}

function Members({ project }: { readonly project: Project }) {
  const { id, name, role, members } = project;
  const manages = role === "admin";
  const [given, setGiven] = useState(name);
  const optimistic = {
    onError: (_: unknown, __: unknown, takeBack: (() => void) | undefined) => takeBack?.(),
    onSettled: changed,
  };
  const rename = useMutation({
    mutationFn: () => client.call("editProject", { params: { id }, body: { name: given } }),
    onMutate: () => assume(projectsQuery.queryKey, replaced({ id, name: given })),
    ...optimistic,
  });
  const set = useMutation({
    mutationFn: ({ user, role }: { user: string; role: Role }) => client.call("setMember", { params: { id, user }, body: { role } }),
    onMutate: ({ user, role }) =>
      assume(projectsQuery.queryKey, replaced({ id, members: members.map((one) => (one.user === user ? { ...one, role } : one)) })),
    ...optimistic,
  });
  const remove = useMutation({
    mutationFn: (user: string) => client.call("removeMember", { params: { id, user } }),
    onMutate: (user) => assume(projectsQuery.queryKey, replaced({ id, members: members.filter((one) => one.user !== user) })),
    ...optimistic,
  });
  return (
    <section aria-label={texts.membersOf(name)}>
      <Title order={2} size="h4" mb="xs" className="name">
        {texts.membersOf(name)}
      </Title>
      <Failure error={rename.error ?? set.error ?? remove.error} />
      {members.length === 0 && <Text>{texts.none}</Text>}
      {members.length > 0 && (
        <Lines
          minWidth={360}
          columns={[{ label: texts.member }, { label: t.admin.person.role }, ...(manages ? [{ label: t.admin.job.act }] : [])]}
          rows={members.map(({ user, name, role }) => [
            user,
            name,
            manages ? (
              <Select
                key="role"
                size="xs"
                w={110}
                aria-label={t.admin.person.roleOf(name)}
                data={[...roles]}
                value={role}
                allowDeselect={false}
                onChange={(to) => to && set.mutate({ user, role: to as Role })}
              />
            ) : (
              role
            ),
            ...(manages
              ? [<Confirm key="act" size="compact-xs" label={texts.remove} what={texts.removeOf(name)} act={() => remove.mutate(user)} />]
              : []),
          ])}
        />
      )}
      {manages && (
        <Group align="end" mt="sm">
          <AddMember project={project} add={(user, role) => set.mutateAsync({ user, role })} />
          <TextInput label={texts.name} value={given} maxLength={63} onChange={(event) => setGiven(event.currentTarget.value)} />
          <Button variant="default" disabled={!given || given === name} loading={rename.isPending} onClick={() => rename.mutate()}>
            {texts.rename}
          </Button>
        </Group>
      )}
    </section>
  );
}

interface AddMemberProps {
  readonly project: Project;
  readonly add: (user: string, role: Role) => Promise<unknown>;
}

/** Only administrators of the platform see who has an account; others write the name. */
function AddMember({ project: { members }, add }: AddMemberProps) {
  const { data: me } = useQuery(meQuery);
  const users = useQuery({ ...usersQuery, enabled: me?.role === "admin" });
  const [user, setUser] = useState("");
  const [role, setRole] = useState<Role>("trainer");
  const others = users.data?.items.map(({ name }) => name).filter((name) => members.every((one) => one.name !== name));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void add(user, role).then(
      () => setUser(""),
      () => {}, // what went wrong is shown above
    );
  };
  return (
    <form onSubmit={submit}>
      <Group align="end">
        {others ? (
          <Select label={texts.person} data={others} searchable required value={user || null} onChange={(to) => setUser(to ?? "")} />
        ) : (
          <TextInput label={texts.person} required value={user} onChange={(event) => setUser(event.currentTarget.value)} />
        )}
        <Select
          label={t.admin.person.role}
          w={110}
          data={[...roles]}
          value={role}
          allowDeselect={false}
          onChange={(to) => to && setRole(to as Role)}
        />
        <Button type="submit" disabled={!user}>
          {texts.add}
        </Button>
      </Group>
    </form>
  );
}

function Shares() {
  const shares = useQuery(sharesQuery);
  const revoke = useMutation({
    mutationFn: (id: string) => client.call("revokeShare", { params: { id } }),
    onMutate: (id) =>
      assume(sharesQuery.queryKey, ({ items }: { readonly items: readonly Share[] }) => ({ items: items.filter((one) => one.id !== id) })),
    onError: (_, __, takeBack) => takeBack?.(),
    onSettled: () => queries.invalidateQueries({ queryKey: sharesQuery.queryKey }),
  });
  return (
    <section aria-label={shareTexts.title}>
      <Title order={2} size="h4" mb="xs">
        {shareTexts.title}
      </Title>
      <Failure error={shares.error ?? revoke.error} />
      {shares.data?.items.length === 0 && <Text>{shareTexts.none}</Text>}
      {shares.data !== undefined && shares.data.items.length > 0 && (
        <Lines
          minWidth={560}
          columns={[
            { label: shareTexts.what },
            { label: shareTexts.by },
            { label: shareTexts.created },
            { label: shareTexts.expires },
            { label: t.admin.job.act },
          ]}
          rows={shares.data.items.map(({ id, kind, thing, createdBy, createdAt, expiresAt }) => [
            id,
            kind === "run" ? (
              <Anchor key="what" component={Link} to={`/runs/${thing}`} size="sm" underline="always">
                {shareTexts.kinds[kind]} {thing.slice(0, 8)}
              </Anchor>
            ) : (
              `${shareTexts.kinds[kind]} ${thing.slice(0, 8)}`
            ),
            createdBy,
            moment(createdAt),
            moment(expiresAt),
            <Confirm key="act" size="compact-xs" label={shareTexts.revoke} what={shareTexts.revokeIt} act={() => revoke.mutate(id)} />,
          ])}
        />
      )}
    </section>
  );
}
