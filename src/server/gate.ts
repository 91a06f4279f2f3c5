/** The one door: who asks, from where, and whether they may. Every route passes here and no other place decides. */
import { createHash, timingSafeEqual } from "node:crypto";
import type { FastifyRequest } from "fastify";
import type { Action } from "../shared/api/endpoints.ts";
import { fail } from "../shared/errors.ts";
import type { Config } from "./config.ts";

export interface Actor {
  readonly kind: "person" | "worker";
  /** As events tell it. */
  readonly name: string;
}

const owner: Actor = { kind: "person", name: "owner" };
const worker: Actor = { kind: "worker", name: "worker" };

export interface Secrets {
  readonly workerToken: string;
}

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
const equal = (a: string, b: string): boolean => timingSafeEqual(digest(a), digest(b));

/** Who asks. Until there are accounts, whoever reaches the server is its owner, unless they show a token. @throws UNAUTHENTICATED */
export function identify({ headers }: Pick<FastifyRequest, "headers">, { workerToken }: Secrets): Actor {
  const { authorization } = headers;
  if (authorization === undefined) return owner;
  const [, token] = /^Bearer (\S+)$/.exec(authorization) ?? [];
  if (token !== undefined && equal(token, workerToken)) return worker;
  throw fail("UNAUTHENTICATED", { detail: "the token is not valid" });
}

/** What each kind of actor may do. */
const rights: Readonly<Record<Actor["kind"], readonly Action[]>> = {
  person: ["open", "read", "write", "admin"],
  worker: ["open", "work"],
};

/** @throws UNAUTHENTICATED, FORBIDDEN */
export function authorize(actor: Actor, action: Action): void {
  if (rights[actor.kind].includes(action)) return;
  if (action === "work") throw fail("UNAUTHENTICATED", { detail: "only a worker with its token may do this" });
  throw fail("FORBIDDEN", { actor: actor.name, action });
}

const safe = new Set(["GET", "HEAD", "OPTIONS"]);
const hostOf = (authority: string): string =>
  authority
    .replace(/:\d+$/, "")
    .replace(/^\[|\]$/g, "")
    .toLowerCase();
const everywhere = new Set(["0.0.0.0", "::"]);

/**
 * A page on another site can make a browser send requests here, and DNS can make its name point here: so the Host has
 * to be one of ours, and the Origin, which browsers always send with what changes something.
 * @throws HOST_REFUSED
 */
export function checkOrigin(
  { headers, method, raw }: Pick<FastifyRequest, "headers" | "method" | "raw">,
  { host, allowedHosts }: Pick<Config, "host" | "allowedHosts">,
): void {
  const allowed = ["localhost", "127.0.0.1", "::1", ...(everywhere.has(host) ? [] : [host]), ...allowedHosts].map((name) => name.toLowerCase());
  const check = (header: string, value: string, name: string) => {
    if (!allowed.includes(name)) throw fail("HOST_REFUSED", { header, value: value.slice(0, 200), allowed });
  };
  // Of several, Node takes the first, and whoever stands between may have taken another.
  const hosts = raw.headersDistinct.host ?? [""];
  for (const host of hosts) check("Host", hosts.join(", "), hosts.length > 1 ? "" : hostOf(host));
  const { origin } = headers;
  if (origin === undefined || safe.has(method)) return;
  check("Origin", origin, URL.canParse(origin) ? hostOf(new URL(origin).host) : "");
}
