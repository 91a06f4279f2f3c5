/** `trainyard login`, `logout` and `whoami`: who this person is at a server. */
import type { Command } from "commander";
import type { z } from "zod";
import { createClient } from "../shared/api/client.ts";
import { type linkView, type Me, password as passwordSchema, type signedIn, userName } from "../shared/api/schemas.ts";
import { fail, TrainyardError } from "../shared/errors.ts";
import { ask, atTerminal, fromStdin } from "./ask.ts";
import { add, answer, type Options, show, verb } from "./command.ts";
import { config } from "./config.ts";
import { PATIENCE_NAMED, urlHere } from "./connect.ts";
import { keep, serverUrl, sessionAt } from "./credentials.ts";
import { interrupted } from "./interrupt.ts";
import { say, when } from "./output.ts";
import { type Column, pairs, table } from "./table.ts";

interface LoginOptions extends Options {
  readonly name?: string;
  readonly passwordStdin?: boolean;
  readonly link?: string;
}

const serverArgument = "the server (default: $TRAINYARD_URL, else the one that runs on this machine)";

export function registerLogin(program: Command): void {
  add(
    program,
    "login",
    "sign in at a server, or use a link that was given to you",
    "Sign in at a server. The password is asked for, or read from stdin, and not kept: the session is, in credentials.json of the data directory, until it ends.",
  )
    .argument("[url]", serverArgument)
    .option("--name <name>", "what you sign in with (default: asked for)")
    .option("--password-stdin", "ask nothing: the password is what comes on stdin, as it is anyway where stdin is no terminal")
    .option("--link <link>", "use a set-up, invitation or reset link, once: choose a password, and a name if the link has none")
    .action(login);

  add(program, "logout", "sign out, and forget the session")
    .argument("[url]", serverArgument)
    .option("--everywhere", "end every session of yours there, also those on other machines and in browsers")
    .action(logout);

  add(program, "whoami", "show who you are at the server, and what you are in which project").action(
    verb(async ({ client }) => {
      const me = await client.call("whoAmI", {});
      return answer({ ...me, url: client.url }, () => meText(me, client.url));
    }),
  );
}

/** "http://host:4600/join#tyl_…", or the secret alone, which is for a server named otherwise. @throws BAD_USAGE, without the link */
export function readLink(text: string): { readonly server?: string; readonly secret: string } {
  const [, server, secret] = /^(?:(https?:\/\/[^?#]+)\/join#)?(tyl_[\w-]+)$/.exec(text.trim()) ?? [];
  if (secret) return { server: server && serverUrl(server), secret };
  throw fail("BAD_USAGE", {
    problem: "this is not a link to sign in with",
    fix: "Give all of it: npx trainyard login --link 'http://host:4600/join#tyl_…'.",
  });
}

async function login(url: string | undefined, { name, passwordStdin, link, json }: LoginOptions): Promise<void> {
  const given = link === undefined ? undefined : readLink(link);
  const server = await chosenServer("login", url ?? given?.server);
  const asks = atTerminal() && !passwordStdin;
  const { protocol, hostname } = new URL(server);
  if (protocol === "http:" && !/^(localhost|127\.[\d.]+|\[::1\])$/.test(hostname))
    say(`${server} has no TLS: whoever is on the way can read the password.`);
  const client = createClient({ url: server, patience: PATIENCE_NAMED, signal: interrupted });
  const entered: z.infer<typeof signedIn> = given
    ? await client.call("useLink", {
        body: { link: given.secret, token: true, ...(await account(await client.call("lookAtLink", { body: { link: given.secret } }), name, asks)) },
      })
    : await client.call("login", { body: { name: name ?? (await askName(asks)), password: await askPassword(asks), token: true } });
  const { user, token, expiresAt } = entered;
  await keep(server, { token: token!, name: user.name, expiresAt });
  const hints = [
    server === (config.url ? serverUrl(config.url) : await urlHere().catch(() => undefined)) ? "" : `To work there: export TRAINYARD_URL=${server}`,
    config.token ? "TRAINYARD_TOKEN is set: at TRAINYARD_URL it goes before this session." : "",
  ];
  const text = `${user.name} (${user.role}) is signed in at ${server} until ${when(expiresAt)}`;
  show({ ...answer({ url: server, name: user.name, role: user.role, expiresAt }, () => text), remark: hints.filter(Boolean).join("\n") }, json);
}

/** Name and new password of the account that a link makes or changes. Both are checked here: a refusal by the server might repeat them. */
async function account(
  { kind, name: named, role, expiresAt }: z.infer<typeof linkView>,
  wished: string | undefined,
  asks: boolean,
): Promise<{ name?: string; password: string }> {
  if (named && wished && named !== wished)
    throw fail("BAD_USAGE", { problem: `the link is for ${named}, not for ${wished}`, fix: "Leave --name out, or ask for a link of your own." });
  if (asks) {
    const what =
      kind === "reset" ? `sets a new password for ${named}` : `makes ${named ? `the account ${named}` : "an account"}${role ? ` (${role})` : ""}`;
    say(`This link ${what}; it ends ${when(expiresAt)}.`);
  }
  const name = named ?? wished ?? (await askName(asks));
  valid(userName, "name", name);
  const password = asks ? await askTwice() : await askPassword(asks);
  valid(passwordSchema, "the password", password);
  return named ? { password } : { name, password };
}

/** @throws BAD_USAGE, without the value */
function valid(schema: z.ZodType<string>, what: string, value: string): void {
  const { error } = schema.safeParse(value);
  const problem = error?.issues[0]?.message ?? "";
  if (error) throw fail("BAD_USAGE", { problem: `${what} ${problem.replace(/^(?!must)/, "is wrong: ")}`, fix: "Choose another one." });
}

async function askName(asks: boolean): Promise<string> {
  if (!asks) throw fail("BAD_USAGE", { problem: "login needs a name", fix: "Give it: npx trainyard login --name ann." });
  for (;;) {
    const name = (await ask("name: ")).trim();
    if (name) return name;
  }
}

async function askPassword(asks: boolean): Promise<string> {
  const password = asks || atTerminal() ? await ask(asks ? "password: " : "", { hidden: true }) : await fromStdin();
  if (password) return password;
  throw fail("BAD_USAGE", {
    problem: "login needs a password",
    fix: "Type it when asked, or give it on stdin: npx trainyard login --name ann < file.",
  });
}

async function askTwice(): Promise<string> {
  for (;;) {
    const password = await ask("new password, at least 10 characters: ", { hidden: true });
    const { error } = passwordSchema.safeParse(password);
    if (error) say(`The password ${error.issues[0]!.message}.`);
    else if (password === (await ask("once more: ", { hidden: true }))) return password;
    else say("These were two different ones.");
  }
}

async function logout(url: string | undefined, { everywhere, json }: Options & { everywhere?: boolean }): Promise<void> {
  const server = await chosenServer("logout", url);
  const session = await sessionAt(server);
  if (!session) throw fail("BAD_USAGE", { problem: `no session at ${server} is kept here`, fix: "Name the server that you signed in at." });
  const client = createClient({ url: server, token: session.token, patience: PATIENCE_NAMED, signal: interrupted });
  try {
    await client.call("logout", { body: { everywhere } });
  } catch (error) {
    // One that the server no longer knows has ended already.
    if (!(error instanceof TrainyardError && error.code === "UNAUTHENTICATED")) {
      say(`The session is forgotten here, but not ended there: it runs out ${when(session.expiresAt)}.`);
      throw error;
    }
  } finally {
    await keep(server, undefined);
  }
  show(
    answer({ url: server, name: session.name, everywhere: everywhere ?? false }, () => `${session.name} is signed out at ${server}`),
    json,
  );
}

/** @throws BAD_USAGE when no server was named and none runs here */
async function chosenServer(command: string, named: string | undefined): Promise<string> {
  const url = named ?? config.url ?? (await urlHere());
  if (url !== undefined) return serverUrl(url);
  throw fail("BAD_USAGE", {
    problem: `${command} needs a server, and none runs on this machine`,
    fix: `Name it: npx trainyard ${command} https://host:4600; or start one: npx trainyard serve.`,
  });
}

const ways: Readonly<Record<Me["by"], string>> = {
  session: "signed in",
  token: "by a token",
  machine: "by owning this machine",
};
const projectColumns: readonly Column<Me["projects"][number]>[] = [
  { title: "project", cell: (p) => p.name },
  { title: "role", cell: (p) => p.role },
];

const meText = ({ name, role, scope, by, projects }: Me, url: string): string =>
  [
    pairs([
      ["name", name],
      ["role", role],
      ["scope", scope],
      ["how", ways[by]],
      ["server", url],
    ]),
    ...(projects.length ? [table(projectColumns, projects)] : []),
  ].join("\n\n");
