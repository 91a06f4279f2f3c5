/** API tokens: made, shown once, revoked. Of everyone for administrators, of oneself on one's own page. */
import { Button, Group, Loader, NumberInput, Select, Stack, Text, TextInput } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { type Scope, scopes, type Token } from "../../../shared/api/schemas.ts";
import { client, meQuery, queries, tokensQuery } from "../../api.ts";
import { Confirm } from "../../components/Confirm.tsx";
import { Failure } from "../../components/Failure.tsx";
import { Lines } from "../../components/Lines.tsx";
import { Secret } from "../../components/Secret.tsx";
import { moment } from "../../format.ts";
import { assume } from "../../optimistic.ts";
import { t } from "../../texts.ts";

const { token } = t.admin;

/** @param own only one's own, also of who may see all */
export function Tokens({ own = false }: { readonly own?: boolean }) {
  const { data: me } = useQuery(meQuery);
  const tokens = useQuery(tokensQuery);
  const revoke = useMutation({
    mutationFn: (id: string) => client.call("revokeToken", { params: { id } }),
    onMutate: (id) =>
      assume(tokensQuery.queryKey, ({ items }: { readonly items: readonly Token[] }) => ({ items: items.filter((one) => one.id !== id) })),
    onError: (_, __, takeBack) => takeBack?.(),
    onSettled: () => queries.invalidateQueries({ queryKey: tokensQuery.queryKey }),
  });
  const shown = tokens.data?.items.filter(({ owner }) => !own || owner === me?.name);
  const projects = new Map(me?.projects.map(({ project, name }) => [project, name]));
  return (
    <Stack>
      <NewToken admin={me?.role === "admin"} projects={projects} />
      <Failure error={tokens.error ?? revoke.error} />
      {tokens.isPending && <Loader aria-label={t.loading} />}
      {shown?.length === 0 && <Text>{token.none}</Text>}
      {shown !== undefined && shown.length > 0 && (
        <Lines
          minWidth={960}
          columns={[
            { label: token.name },
            ...(own ? [] : [{ label: token.owner }]),
            { label: token.scope },
            { label: token.project },
            { label: token.created },
            { label: token.expires },
            { label: token.last },
            { label: t.admin.job.act },
          ]}
          rows={shown.map(({ id, name, owner, scope, project, createdAt, expiresAt, lastUsedAt }) => [
            id,
            name,
            ...(own ? [] : [owner]),
            token.scopes[scope],
            project ? (projects.get(project) ?? project.slice(0, 8)) : token.every,
            moment(createdAt),
            moment(expiresAt),
            lastUsedAt ? moment(lastUsedAt) : token.never,
            <Confirm key="act" size="compact-xs" label={token.revoke} what={token.revokeOf(name)} act={() => revoke.mutate(id)} />,
          ])}
        />
      )}
    </Stack>
  );
}

function NewToken({ admin, projects }: { readonly admin: boolean; readonly projects: ReadonlyMap<string, string> }) {
  const [name, setName] = useState("");
  const [scope, setScope] = useState<Scope>("read");
  const [project, setProject] = useState<string | null>(null);
  const [days, setDays] = useState<number | string>(90);
  const make = useMutation({
    mutationFn: () => client.call("createToken", { body: { name, scope, days: Number(days), ...(project && { project }) } }),
    onSuccess: () => {
      setName("");
      void queries.invalidateQueries({ queryKey: tokensQuery.queryKey });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    make.mutate();
  };
  return (
    <Stack gap="xs">
      <form onSubmit={submit}>
        <Group align="end">
          <TextInput
            label={token.name}
            description={token.nameHint}
            required
            maxLength={100}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <Select
            label={token.scope}
            // Workers take jobs of all projects.
            data={scopes.filter((one) => one !== "work" || admin).map((value) => ({ value, label: token.scopes[value] }))}
            value={scope}
            allowDeselect={false}
            onChange={(to) => to && setScope(to as Scope)}
          />
          <Select
            label={token.project}
            placeholder={token.every}
            data={[...projects].map(([value, label]) => ({ value, label }))}
            value={project}
            disabled={scope === "work"}
            onChange={setProject}
          />
          <NumberInput label={token.days} min={1} max={3650} allowDecimal={false} w={180} value={days} onChange={setDays} />
          <Button type="submit" loading={make.isPending}>
            {token.make}
          </Button>
        </Group>
      </form>
      <Failure error={make.error} />
      {make.data && <Secret label={`${make.data.token.name}: ${token.once}`} value={make.data.secret} />}
    </Stack>
  );
}
