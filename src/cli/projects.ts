/** `trainyard projects`: what belongs together, and who may do what with it. */
import type { Command } from "commander";
import type { Client } from "../shared/api/client.ts";
import { type Project, type Role, roles } from "../shared/api/schemas.ts";
import { add, answer, family, listing, verb } from "./command.ts";
import { when } from "./output.ts";
import { type Column, pairs, table } from "./table.ts";

export function registerProjects(program: Command): void {
  const projects = family(program, "projects", "list projects, make one, choose its members", list)
    .alias("project")
    .description("List the projects that you may see.");

  add(projects, "create", "make a project, whose administrator you are")
    .argument("<name>")
    .action(
      verb(async ({ client }, _, name: string) => {
        const project = await client.call("createProject", { body: { name } });
        return answer(project, () => `${projectText(project)}\n\ntrain in it: npx trainyard train iris --project ${project.name}`);
      }),
    );
  change(projects, "show", "show a project and its members", (client, id) => client.call("getProject", { params: { id } }));
  change(projects, "rename", "rename a project", (client, id, name: string) =>
    client.call("editProject", { params: { id }, body: { name } }),
  ).argument("<name>");
  change(projects, "member", "make someone a member, or change their role", (client, id, user: string, role: Role) =>
    client.call("setMember", { params: { id, user }, body: { role } }),
  )
    .argument("<user>", "their name, or id")
    .argument("<role>", roles.join(", "));
  change(projects, "remove", "take someone out of a project", (client, id, user: string) =>
    client.call("removeMember", { params: { id, user } }),
  ).argument("<user>", "their name, or id");
}

/** A verb that does something with a project, and shows what it now is. */
function change<Args extends unknown[]>(
  projects: Command,
  name: string,
  summary: string,
  perform: (client: Client, id: string, ...args: Args) => Promise<Project>,
): Command {
  return add(projects, name, summary)
    .argument("<project>", "its name, or id")
    .action(
      verb(async ({ client }, _, id: string, ...args: Args) => {
        const project = await perform(client, id, ...args);
        return answer(project, () => projectText(project));
      }),
    );
}

const columns: readonly Column<Project>[] = [
  { title: "project", cell: (p) => p.name },
  { title: "you are", cell: (p) => p.role },
  { title: "members", cell: (p) => p.members.length, right: true },
  { title: "created", cell: (p) => when(p.createdAt) },
  { title: "by", cell: (p) => p.createdBy },
  { title: "id", cell: (p) => p.id },
];
const memberColumns: readonly Column<Project["members"][number]>[] = [
  { title: "member", cell: (m) => m.name },
  { title: "role", cell: (m) => m.role },
];

const list = verb(async ({ client }) =>
  listing((await client.call("listProjects", {})).items, columns, "no projects that you may see; ask an administrator to make you a member"),
);

function projectText(p: Project): string {
  const head = pairs([
    ["project", p.name],
    ["id", p.id],
    ["you are", p.role],
    ["created", `${when(p.createdAt)} by ${p.createdBy}`],
  ]);
  return p.members.length ? `${head}\n\n${table(memberColumns, p.members)}` : `${head}\n\nno members`;
}
