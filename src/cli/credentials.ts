/** Sessions that `login` opened, one for each server, in a file of the data directory that only its owner reads. No password is ever kept. */
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fail } from "../shared/errors.ts";
import { writeAtomically } from "../storage/atomic.ts";
import { config } from "./config.ts";

export interface Session {
  /** Of the server, as `serverUrl` writes it: the token is shown there and nowhere else. */
  readonly url: string;
  readonly token: string;
  readonly name: string;
  readonly expiresAt: string;
}

const path = join(config.home, "credentials.json");

/** Addresses of one server are written in one way. What is wrong with one is told without it: a link or a password may be in it. @throws BAD_USAGE */
export function serverUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const plain = url && /^https?:$/.test(url.protocol) && !url.username && !url.password && !url.search && !url.hash;
  if (plain) return url.href.replace(/(?<!\/)\/+$/, "");
  throw fail("BAD_USAGE", {
    problem: "the address of a server must be like http://host:4600, with nothing behind it",
    fix: "Correct it. A link that somebody gave you goes with: npx trainyard login --link.",
  });
}

/** A file that nobody can read has nothing to tell: whoever signs in again replaces it. */
async function sessions(): Promise<readonly Session[]> {
  try {
    const kept: unknown = JSON.parse(await readFile(path, "utf8"));
    return Array.isArray(kept) ? kept : [];
  } catch {
    return [];
  }
}

/** The session that was opened at a server and has not run out. */
export async function sessionAt(url: string): Promise<Session | undefined> {
  const at = serverUrl(url);
  return (await sessions()).find((session) => session.url === at && Date.parse(session.expiresAt) > Date.now());
}

/** @param session the one to have at this server from now on, or none */
export async function keep(url: string, session: Omit<Session, "url"> | undefined): Promise<void> {
  const at = serverUrl(url);
  const others = (await sessions()).filter((kept) => kept.url !== at && Date.parse(kept.expiresAt) > Date.now());
  const all = session ? [...others, { url: at, ...session }] : others;
  await mkdir(config.home, { recursive: true, mode: 0o700 });
  await writeAtomically(path, [`${JSON.stringify(all, null, 2)}\n`], 0o600);
}
