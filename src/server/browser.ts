/** What browsers are told and asked, so that a page of another site can neither read nor do anything here. */
import type { FastifyRequest } from "fastify";
import { fail } from "../shared/errors.ts";
import type { Config } from "./config.ts";

const isSecure = ({ tls, publicUrl }: Pick<Config, "tls" | "publicUrl">): boolean => tls !== undefined || publicUrl?.startsWith("https:") === true;

/** `__Host-`: browsers take it over TLS only, for this host alone (https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis). */
export const cookieName = (config: Pick<Config, "tls" | "publicUrl">): string => (isSecure(config) ? "__Host-trainyard" : "trainyard");

export const cookieOf = (config: Pick<Config, "tls" | "publicUrl">, value: string, expires: Date): string =>
  `${cookieName(config)}=${value}; Path=/; Expires=${expires.toUTCString()}; HttpOnly; SameSite=Strict${isSecure(config) ? "; Secure" : ""}`;

const AWAY = "trainyard_oidc";

/**
 * What has to be kept while someone is at an OpenID Connect provider; nothing forgets it.
 * Lax, as a strict cookie does not come along on the way back from another site.
 */
export const awayCookieOf = (config: Pick<Config, "tls" | "publicUrl">, value = "", seconds = 0): string =>
  `${AWAY}=${value}; Path=/api/oidc; Max-Age=${seconds}; HttpOnly; SameSite=Lax${isSecure(config) ? "; Secure" : ""}`;

export const awayCookie = (cookies = ""): string | undefined => new RegExp(`(?:^|; ?)${AWAY}=([\\w.-]{1,4000})(?:;|$)`).exec(cookies)?.[1];

export const CONTENT_POLICY =
  "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/** Of every answer. User bytes have a stricter policy of their own. */
export const headersOf = (config: Pick<Config, "tls" | "publicUrl">): Readonly<Record<string, string>> => ({
  "content-security-policy": CONTENT_POLICY,
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(self), microphone=(), geolocation=()",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  ...(isSecure(config) && { "strict-transport-security": "max-age=31536000" }),
});

const safe = new Set(["GET", "HEAD", "OPTIONS"]);
const hostOf = (authority: string): string =>
  authority
    .replace(/:\d+$/, "")
    .replace(/^\[|\]$/g, "")
    .toLowerCase();
const everywhere = new Set(["0.0.0.0", "::"]);

/**
 * A page on another site can make a browser send requests here, and DNS can make its name point here: so the Host has
 * to be one of ours. The Origin, which browsers send with whatever changes something, has to be the host and port that
 * were asked, as another port of this machine is another site's; or a name that the server was told is its own, at any port.
 * @throws HOST_REFUSED
 */
export function checkOrigin(
  { headers, method, raw }: Pick<FastifyRequest, "headers" | "method" | "raw">,
  { host, allowedHosts, publicUrl }: Pick<Config, "host" | "allowedHosts" | "publicUrl">,
): void {
  const stated = [...allowedHosts, ...(publicUrl ? [new URL(publicUrl).hostname] : [])].map((name) => name.toLowerCase());
  const allowed = ["localhost", "127.0.0.1", "::1", ...(everywhere.has(host) ? [] : [host.toLowerCase()]), ...stated];
  const check = (header: string, value: string, ok: boolean) => {
    if (!ok) throw fail("HOST_REFUSED", { header, value: value.slice(0, 200), allowed });
  };
  // Of several, Node takes the first, and whoever stands between may have taken another.
  const hosts = raw.headersDistinct.host ?? [""];
  for (const one of hosts) check("Host", hosts.join(", "), hosts.length === 1 && allowed.includes(hostOf(one)));
  if (safe.has(method)) return;
  const { origin } = headers;
  if (origin === undefined) {
    // Browsers send it with whatever changes something; a cookie without it comes from one that is very old, or made to forget it.
    check("Origin", "missing, with a cookie", headers.cookie === undefined);
    return;
  }
  const from = URL.canParse(origin) && /^https?:\/\/[^/@]+$/.test(origin) ? new URL(origin).host.toLowerCase() : "";
  check("Origin", origin, from !== "" && (from === hosts[0]!.toLowerCase() || stated.includes(hostOf(from))));
}
