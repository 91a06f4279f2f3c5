/** `trainyard users` and `invite`: who has an account, for administrators. */
import type { Command } from "commander";
import { endpoints } from "../shared/api/endpoints.ts";
import { type Role, roles, type User } from "../shared/api/schemas.ts";
import { add, answer, family, handOver, listing, type Options, verb } from "./command.ts";
import { when } from "./output.ts";
import type { Column } from "./table.ts";

const userArgument = "their name, or id";

export function registerUsers(program: Command): void {
  const users = family(program, "users", "list users, change or reset one", list).description("List everyone who has an account.");

  add(users, "role", "change what someone may do", "Change what someone may do. What they are in a project is changed by `projects member`.")
    .argument("<user>", userArgument)
    .argument("<role>", roles.join(", "))
    .action(
      verb(async ({ client }, _, id: string, role: Role) => {
        const user = await client.call("editUser", { params: { id }, body: { role } });
        return answer(user, () => userText(user));
      }),
    );
  for (const [name, disabled, summary] of [
    ["disable", true, "close an account: its sessions and tokens end at once"],
    ["enable", false, "open an account again"],
  ] as const)
    add(users, name, summary)
      .argument("<user>", userArgument)
      .action(
        verb(async ({ client }, _, id: string) => {
          const user = await client.call("editUser", { params: { id }, body: { disabled } });
          return answer(user, () => userText(user));
        }),
      );
  add(users, "reset", "make a link by which someone sets a new password")
    .argument("<user>", userArgument)
    .action(
      verb(async ({ client }, _, id: string) => {
        const link = await client.call("resetPassword", { params: { id } });
        return handOver(link, link.url, linkRemark(`sets a new password for ${id}`, link.expiresAt));
      }),
    );

  add(program, "invite", "make a link by which someone creates an account", `${endpoints.inviteUser.summary}. It is shown this once.`)
    .option("--role <role>", `what they may do: ${roles.join(", ")}`, "trainer" satisfies Role)
    .option("--project <project>", "the project that they are a member of from the start, in that role (default: the first one)")
    .option("--name <name>", "the name that they sign in with (default: they choose it)")
    .action(
      verb(async ({ client }, { role, project, name }: Options & { role: Role; project?: string; name?: string }) => {
        const link = await client.call("inviteUser", { body: { role, project, name } });
        return handOver(link, link.url, linkRemark(`makes ${name ? `the account ${name}` : "an account"} (${role})`, link.expiresAt));
      }),
    );
}

const linkRemark = (what: string, expiresAt: string): string =>
  `The link ${what}, once, until ${when(expiresAt)}. It is opened in a browser, or used by: npx trainyard login --link …`;

const columns: readonly Column<User>[] = [
  { title: "user", cell: (u) => u.name },
  { title: "role", cell: (u) => u.role },
  { title: "state", cell: (u) => u.state },
  { title: "created", cell: (u) => when(u.createdAt) },
  { title: "last signed in", cell: (u) => when(u.lastLoginAt) },
];

const list = verb(async ({ client }) =>
  listing((await client.call("listUsers", {})).items, columns, "no users yet; invite one: npx trainyard invite --role admin"),
);

const userText = ({ name, role, state }: User): string => `${name} is ${state === "active" ? "" : "disabled, "}${role}`;
