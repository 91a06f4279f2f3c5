/**
 * Signing in at an OpenID Connect provider: the authorization code flow (OpenID Connect Core 1.0 section 3.1) with PKCE.
 * The one file that imports openid-client, and only where a provider is configured.
 */
import type { ClientAuth, Configuration } from "openid-client";
import { z } from "zod";
import { userName } from "../../../shared/api/schemas.ts";
import { fail, TrainyardError } from "../../../shared/errors.ts";
import { awayCookie, awayCookieOf } from "../../browser.ts";
import type { Config } from "../../config.ts";
import type { Asked } from "../../handler.ts";
import type { Kernel } from "../../kernel.ts";
import { hashOf, seal, unseal } from "../../secrets.ts";
import { audit } from "../events/audit.ts";
import { countAttempt, forgiveAttempt } from "./passwords.ts";
import { enterBySubject, type SignedIn } from "./service.ts";

type Library = typeof import("openid-client");

interface Provider {
  readonly library: Library;
  readonly configuration: Configuration;
  readonly oidc: NonNullable<Config["oidc"]>;
}

/** How long the provider may take for an answer, in seconds. */
const PATIENCE = 10;
/** How long someone may be away at the provider, in seconds. */
const AWAY = 600;

/** What has to be the same when they come back. Only their browser has it, and only the server can read it. */
const kept = z.strictObject({
  verifier: z.string(),
  state: z.string(),
  nonce: z.string(),
  /** Seconds since 1970. */
  exp: z.number(),
});
type Kept = z.infer<typeof kept>;

// --- the provider ---

const providers = new WeakMap<Config, Promise<Provider>>();

/** What the provider says of itself, asked once; again after it could not be. @throws NO_PROVIDER, PROVIDER_UNAVAILABLE */
function providerOf({ config }: Kernel): Promise<Provider> {
  if (!config.oidc) throw fail("NO_PROVIDER", {});
  const known = providers.get(config);
  if (known) return known;
  const provider = discover(config.oidc);
  providers.set(config, provider);
  provider.catch(() => providers.delete(config));
  return provider;
}

async function discover(oidc: Provider["oidc"]): Promise<Provider> {
  const library = await import("openid-client");
  const issuer = new URL(oidc.issuer);
  // The signature of an ID token is verified although it comes straight from the provider.
  const execute = [library.enableNonRepudiationChecks, ...(issuer.protocol === "http:" ? [library.allowInsecureRequests] : [])];
  const configuration = await library
    .discovery(issuer, oidc.clientId, undefined, authentication(library, oidc.clientSecret), { execute, timeout: PATIENCE })
    .catch((error: unknown) => {
      throw fail("PROVIDER_UNAVAILABLE", { issuer: oidc.issuer, detail: reasonOf(error) });
    });
  return { library, configuration, oidc };
}

/** By the method that is the standard's default, which providers hold their clients to, if the provider takes it at all. */
function authentication({ None, ClientSecretPost, ClientSecretBasic }: Library, secret: string | undefined): ClientAuth {
  if (secret === undefined) return None();
  return (server, ...rest) => {
    const { token_endpoint_auth_methods_supported: taken = ["client_secret_basic"] } = server;
    const method = taken.includes("client_secret_basic") ? ClientSecretBasic : ClientSecretPost;
    return method(secret)(server, ...rest);
  };
}

const callback = (kernel: Kernel): URL => new URL(`${kernel.address()}/api/oidc/callback`);

// --- there and back ---

/** @returns where to send them, and the cookie that they have to bring back */
export async function startElsewhere(kernel: Kernel): Promise<{ location: string; cookie: string }> {
  const { library, configuration } = await providerOf(kernel);
  const verifier = library.randomPKCECodeVerifier();
  const state = library.randomState();
  const nonce = library.randomNonce();
  const location = library.buildAuthorizationUrl(configuration, {
    redirect_uri: callback(kernel).href,
    scope: "openid profile email",
    state,
    nonce,
    code_challenge: await library.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
  });
  const exp = Math.floor(Date.now() / 1000) + AWAY;
  const value = await seal(kernel.keys.bytes("links"), { verifier, state, nonce, exp } satisfies Kept);
  return { location: location.href, cookie: awayCookieOf(kernel.config, value, AWAY) };
}

/** @throws SIGN_IN_REFUSED, which is audited, TOO_MANY_ATTEMPTS, NO_PROVIDER, PROVIDER_UNAVAILABLE */
export async function signInElsewhere(kernel: Kernel, { query, cookie, address, context }: Asked<"endOidc">): Promise<SignedIn> {
  const { db } = kernel;
  const provider = await providerOf(kernel);
  await countAttempt(db.query, undefined, address);
  let name = "";
  try {
    const claims = await claimsOf(kernel, provider, query, await keptOf(kernel, cookie));
    const names = namesOf(claims);
    name = names.name;
    const signedIn = await enterBySubject(kernel, { issuer: claims.iss, id: claims.sub }, { ...names, role: provider.oidc.role }, address, context);
    await forgiveAttempt(db.query, undefined, address);
    return signedIn;
  } catch (error) {
    if (error instanceof TrainyardError && error.code === "SIGN_IN_REFUSED")
      await audit(kernel, { type: "sign-in-refused", name, why: String(error.details.why), address }, { ...context, actor: "anonymous" });
    throw error;
  }
}

const refused = (kernel: Kernel, why: string): TrainyardError =>
  fail("SIGN_IN_REFUSED", { why, fix: `Begin again at ${kernel.address()}/login; if that does not help, ask an administrator.` });

async function keptOf(kernel: Kernel, cookies: string | undefined): Promise<Kept> {
  const cookie = awayCookie(cookies);
  const { success, data } = kept.safeParse(cookie && (await unseal(kernel.keys.bytes("links"), cookie)));
  if (!success || data.exp * 1000 <= Date.now())
    throw refused(kernel, `this browser did not begin to sign in at this address, or more than ${AWAY / 60} minutes ago`);
  return data;
}

interface Claims {
  readonly iss: string;
  readonly sub: string;
  readonly preferred_username?: unknown;
  readonly email?: unknown;
  readonly email_verified?: unknown;
}

/** Who they are, by the provider's word. The library verifies state, issuer, signature, audience, nonce and times. */
async function claimsOf(
  kernel: Kernel,
  { library, configuration, oidc }: Provider,
  query: Asked<"endOidc">["query"],
  { verifier, state, nonce }: Kept,
): Promise<Claims> {
  const url = callback(kernel);
  for (const [name, value] of Object.entries(query)) for (const one of [value].flat()) url.searchParams.append(name, String(one));
  try {
    const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true };
    const tokens = await library.authorizationCodeGrant(configuration, url, checks);
    const claims: Claims = tokens.claims()!;
    if (!/^[\x20-\x7e]{1,255}$/.test(claims.sub)) throw refused(kernel, "the subject of the provider's token is not 1 to 255 characters of ASCII");
    const asked = claims.preferred_username === undefined && configuration.serverMetadata().userinfo_endpoint;
    return asked ? { ...(await library.fetchUserInfo(configuration, tokens.access_token, claims.sub)), ...claims } : claims;
  } catch (error) {
    if (error instanceof TrainyardError) throw error;
    // Never the error itself: its cause has what was sent and received.
    const said = saidBy(library, error);
    if (said !== undefined) throw refused(kernel, `the provider says "${said.replace(/[^\w.-]/g, "").slice(0, 50)}"`);
    if (isUnreachable(error)) throw fail("PROVIDER_UNAVAILABLE", { issuer: oidc.issuer, detail: reasonOf(error) });
    throw refused(kernel, `what came from the provider cannot be trusted: ${reasonOf(error)}`);
  }
}

/** The error code of a provider that refuses (RFC 6749 sections 4.1.2.1 and 5.2, RFC 6750 section 3). */
function saidBy({ AuthorizationResponseError, ResponseBodyError, WWWAuthenticateChallengeError }: Library, error: unknown): string | undefined {
  if (error instanceof AuthorizationResponseError || error instanceof ResponseBodyError) return error.error;
  if (error instanceof WWWAuthenticateChallengeError) return error.cause[0]?.parameters.error ?? `${error.status}`;
  return undefined;
}

const codeOf = (error: unknown): string | undefined => {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === "string" ? code : undefined;
};
const isUnreachable = (error: unknown): boolean => (error instanceof TypeError && codeOf(error) === undefined) || codeOf(error) === "OAUTH_TIMEOUT";

/** In the library's words, which have no values in them, or by the network's code. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  if (isUnreachable(error)) return codeOf(cause) ?? message;
  return cause instanceof Error && codeOf(cause)?.startsWith("OAUTH_") ? cause.message : message;
}

// --- names ---

const textOf = (claim: unknown): string | undefined => (typeof claim === "string" && claim !== "" ? claim : undefined);
/** Of ASCII alone: in others two letters may become one. */
const lower = (text: string): string => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());

const fitted = (text: string): string =>
  text
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/[^a-z0-9._@+-]+/g, "-")
    .replace(/^[^a-z0-9]+/, "")
    .slice(0, 100);

const isName = (text: string): boolean => userName.safeParse(text).success;

/**
 * What their account is called if it has to be made, and the name under which they may have been invited. That one is as the
 * provider has it: neither fitted nor the first half of an address, which others may have too.
 */
export function namesOf({ sub, preferred_username, email, email_verified }: Omit<Claims, "iss">): { name: string; invited: string } {
  const username = textOf(preferred_username);
  const address = email_verified === true ? textOf(email) : undefined;
  const names = [username, address?.split("@")[0], sub].flatMap((text) => (text === undefined ? [] : [fitted(text)]));
  const invited = lower(username ?? address ?? sub);
  const last = `user-${hashOf(sub).slice(0, 12)}`;
  return { name: names.find(isName) ?? last, invited: isName(invited) ? invited : last };
}
