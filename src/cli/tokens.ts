/** `trainyard tokens`: secrets that programs show in place of a person. */
import type { Command } from "commander";
import { endpoints } from "../shared/api/endpoints.ts";
import { type Scope, scopes, type Token } from "../shared/api/schemas.ts";
import { add, answer, family, handOver, listing, type Options, verb, wholeNumber } from "./command.ts";
import { when } from "./output.ts";
import type { Column } from "./table.ts";

interface CreateOptions extends Options {
  readonly scope: Scope;
  readonly project?: string;
  readonly days: number;
}

export function registerTokens(program: Command): void {
  const tokens = family(program, "tokens", "list API tokens, make or revoke one", list).description(
    `List ${endpoints.listTokens.summary.toLowerCase()}.`,
  );
  const { body } = endpoints.createToken;

  add(
    tokens,
    "create",
    "make an API token",
    "Make an API token, for programs and other machines: they show it as TRAINYARD_TOKEN. It has at most your own rights, and is printed this once, alone on stdout.",
  )
    .argument("<name>", "what it is for")
    .requiredOption("--scope <scope>", `what it may be used for: ${scopes.join(", ")}`)
    .option("--project <project>", "the one project that it opens (default: all of yours)")
    .option("--days <integer>", "until it expires", wholeNumber("--days", 1), body.shape.days.parse(undefined))
    .action(
      verb(async ({ client }, { scope, project, days }: CreateOptions, name: string) => {
        const made = await client.call("createToken", { body: { name, scope, project, days } });
        const { id, expiresAt } = made.token;
        return handOver(
          made,
          made.secret,
          `The token is shown this once; it expires ${when(expiresAt)}. To use it: TRAINYARD_URL=${client.url} TRAINYARD_TOKEN=…  To end it: npx trainyard tokens revoke ${id}`,
        );
      }),
    );
  add(tokens, "revoke", "end a token at once")
    .argument("<id>", "as the list shows it")
    .action(
      verb(async ({ client }, _, id: string) => {
        await client.call("revokeToken", { params: { id } });
        return answer({ id, revoked: true }, () => `token ${id} is revoked`);
      }),
    );
}

const columns: readonly Column<Token>[] = [
  { title: "id", cell: (t) => t.id },
  { title: "token", cell: (t) => t.name },
  { title: "owner", cell: (t) => t.owner },
  { title: "scope", cell: (t) => t.scope },
  { title: "project", cell: (t) => t.project ?? "all" },
  { title: "created", cell: (t) => when(t.createdAt) },
  { title: "expires", cell: (t) => when(t.expiresAt) },
  { title: "last used", cell: (t) => when(t.lastUsedAt) },
];

const list = verb(async ({ client }) =>
  listing((await client.call("listTokens", {})).items, columns, "no tokens; make one: npx trainyard tokens create ci --scope train"),
);
