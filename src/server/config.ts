/** The server's configuration: every variable, what it accepts and what it is for. The one place in the server that reads the environment. */
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { homedir, totalmem } from "node:os";
import { join, resolve } from "node:path";
import { createSecureContext } from "node:tls";
import type { JWK } from "jose";
import { harmlessOf } from "../shared/child.ts";
import { fail } from "../shared/errors.ts";
import { type BucketPlace, overlaps, readPlaces } from "./bucket-places.ts";

interface Variable<T> {
  readonly help: string;
  /** In words; `read` throws it. */
  readonly wanted: string;
  /** For the documentation, where it is not a plain value. */
  readonly shown?: string;
  readonly fallback: T;
  readonly read: (text: string) => T | undefined;
  /** Shown in no message. */
  readonly secret?: boolean;
}
const variable = <T>(v: Variable<T>): Variable<T> => v;

const integer = (min: number, max: number) => ({
  wanted: `an integer from ${min} to ${max}`,
  read: (text: string) => (/^\d+$/.test(text) && Number(text) >= min && Number(text) <= max ? Number(text) : undefined),
});
/** 10.0.0.1, 10.0.0.0/8, fd00::/8 */
function isNetwork(text: string): boolean {
  const [, address, bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const version = isIP(address ?? "");
  return version !== 0 && Number(bits ?? 0) <= (version === 4 ? 32 : 128);
}
/** Values that stand in documentation, and are known to everyone. */
const isSample = (text: string): boolean => /change.?me|example|secret.?here|your.?(token|secret|password)|^(.)\2*$|0123456789|password/i.test(text);
/** Its content: what cannot be read is told with everything else that is wrong. */
const file = {
  wanted: "the path of a file that can be read",
  shown: "none",
  fallback: undefined,
  read(text: string): string | undefined {
    try {
      return readFileSync(resolve(text), "utf8");
    } catch {
      return undefined;
    }
  },
};
const anything = { wanted: "text", read: (text: string): string | undefined => text };
const list = {
  wanted: "a list with commas",
  read: (text: string): readonly string[] =>
    text
      .split(",")
      .map((s) => s.trim())
      .filter(Boolean),
};
const yesNo = { wanted: "true or false", read: (text: string) => (text === "true" ? true : text === "false" ? false : undefined) };
const oneOf = <const O extends string>(...options: readonly O[]) => ({
  wanted: `one of ${options.join(", ")}`,
  read: (text: string) => options.find((o) => o === text),
});
const url = (...protocols: readonly string[]) => ({
  wanted: `a URL that begins with ${protocols.map((p) => `${p}//`).join(" or ")}`,
  read: (text: string) => (URL.canParse(text) && protocols.includes(new URL(text).protocol) ? text : undefined),
});

/** Of what is as good as for ever: a timer takes no more than 2³¹ ms. */
const seconds = integer(1, 2_000_000);
/** MiB of the machine, or of the container. 0 or more than there is: no limit is set on it. */
const machineMemory = (): number => Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY) / 2 ** 20;

/** `docs/configuration.md` is generated from this table. */
export const variables = {
  TRAINYARD_HOME: variable<string>({
    ...anything,
    shown: "~/.trainyard",
    fallback: join(homedir(), ".trainyard"),
    help: "The data directory: database and files when nothing else is set, caches, the address of a running local server.",
    read: (t) => resolve(t),
  }),
  TRAINYARD_HOST: variable<string>({ ...anything, fallback: "127.0.0.1", help: "Address to listen on." }),
  TRAINYARD_PORT: variable<number>({ ...integer(0, 65535), fallback: 4600, help: "Port to listen on; 0: any free one." }),
  TRAINYARD_ALLOWED_HOSTS: variable<readonly string[]>({
    ...list,
    shown: "none",
    fallback: [],
    help: "Names besides localhost and the address listened on under which the server may be reached: requests with another Host or Origin are refused.",
  }),
  TRAINYARD_TLS_CERT: variable<string | undefined>({ ...file, help: "File with the server's certificate chain (PEM): it then speaks TLS." }),
  TRAINYARD_TLS_KEY: variable<string | undefined>({ ...file, help: "File with the certificate's private key (PEM)." }),
  TRAINYARD_PROXIES: variable<readonly string[]>({
    wanted: "a list with commas of IP addresses or networks, such as 10.0.0.0/8",
    read: (text) => (list.read(text).every(isNetwork) ? list.read(text) : undefined),
    shown: "none",
    fallback: [],
    help: "Addresses or networks (10.0.0.0/8) of proxies that end TLS before this server: their X-Forwarded-For is believed.",
  }),
  TRAINYARD_PUBLIC_URL: variable<string | undefined>({
    ...url("http:", "https:"),
    shown: "the address listened on",
    fallback: undefined,
    help: "Where people reach the server, when that is not where it listens: links begin with it, and its host is allowed.",
    read: (t) => (URL.canParse(t) && /^https?:$/.test(new URL(t).protocol) ? t.replace(/(?<!\/)\/+$/, "") : undefined),
  }),
  TRAINYARD_INSECURE_NETWORK: variable<boolean>({
    ...yesNo,
    fallback: false,
    help: "true: listen on an address that others reach without TLS and without a proxy, so that anyone on the way reads passwords and data.",
  }),
  TRAINYARD_DOWNLOAD_KEY: variable<string | undefined>({
    ...file,
    help: "File with a private key (JWK, EC P-256): download links are then signed by the server and encrypted for this pair (ECDH-ES), so that a gateway which has it can verify them and make none.",
  }),
  TRAINYARD_OIDC_ISSUER: variable<string | undefined>({
    ...url("https:", "http:"),
    shown: "none",
    fallback: undefined,
    help: "An OpenID Connect provider where people may sign in; http:// only on this machine.",
  }),
  TRAINYARD_OIDC_CLIENT_ID: variable<string | undefined>({
    ...anything,
    shown: "none",
    fallback: undefined,
    help: "What the provider knows this server by.",
  }),
  TRAINYARD_OIDC_CLIENT_SECRET: variable<string | undefined>({
    wanted: "the provider's secret, and not one of an example",
    read: (t) => (isSample(t) ? undefined : t),
    shown: "none",
    fallback: undefined,
    secret: true,
    help: "The secret that goes with it.",
  }),
  TRAINYARD_OIDC_ROLE: variable<"none" | "viewer" | "trainer">({
    ...oneOf("none", "viewer", "trainer"),
    fallback: "none",
    help: "What someone becomes who signs in at the provider for the first time; none: only who was invited under the name that the provider gives comes in.",
  }),
  TRAINYARD_WORKERS: variable<number>({ ...integer(0, 256), fallback: 1, help: "Worker processes that the server starts on its own machine." }),
  TRAINYARD_WORKER_TOKEN: variable<string | undefined>({
    wanted: "at least 20 letters, digits or signs of ASCII, and not one of an example",
    read: (t) => (/^[\x21-\x7e]{20,}$/.test(t) && !isSample(t) ? t : undefined),
    shown: "made at first start",
    fallback: undefined,
    secret: true,
    help: "What workers on other machines have to show. The one made at first start lies in the file `worker-token` of the data directory.",
  }),
  DATABASE_URL: variable<string | undefined>({
    ...url("postgres:", "postgresql:"),
    shown: "embedded",
    fallback: undefined,
    secret: true,
    help: "PostgreSQL 14 or newer. Without it the database is embedded, in the data directory.",
  }),
  TRAINYARD_POOL: variable<number>({ ...integer(2, 200), fallback: 12, help: "Connections to PostgreSQL." }),
  TRAINYARD_STORE: variable<string | undefined>({
    ...url("s3:"),
    shown: "files",
    fallback: undefined,
    help: "`s3://bucket/prefix`: an S3-compatible object store, with the standard `AWS_*` variables. Without it objects are files in the data directory.",
  }),
  TRAINYARD_BUCKETS: variable<readonly BucketPlace[]>({
    wanted: "a list with commas of name=s3://bucket/prefix or name=/folder",
    read: readPlaces,
    shown: "none",
    fallback: [],
    // Who mistypes one may have put credentials into it.
    secret: true,
    help: "Buckets that administrators browse, fill and empty on the page Buckets: `photos=s3://photos/2026,lab=/srv/lab:ro`, where `:ro` allows reading alone. An address may go on with `?endpoint=`, `&region=` and `&profile=` (of ~/.aws/credentials); else the variables of the object store hold. None may share a place with what the platform keeps itself.",
  }),
  AWS_ENDPOINT_URL_S3: variable<string | undefined>({
    ...url("http:", "https:"),
    shown: "AWS",
    fallback: undefined,
    help: "Address of an S3-compatible store that is not Amazon's; `AWS_ENDPOINT_URL` is taken too.",
  }),
  AWS_ENDPOINT_URL: variable<string | undefined>({
    ...url("http:", "https:"),
    shown: "AWS",
    fallback: undefined,
    help: "As above, for all services.",
  }),
  TRAINYARD_S3_FORCE_PATH_STYLE: variable<boolean | undefined>({
    ...yesNo,
    shown: "true where an endpoint is set",
    fallback: undefined,
    help: "Whether the bucket stands in the path of an address instead of its host name.",
  }),
  TRAINYARD_LEASE_SECONDS: variable<number>({ ...integer(2, 3600), fallback: 15, help: "How long a job stays a worker's that is not heard of." }),
  TRAINYARD_EXTENSIONS: variable<string | undefined>({
    wanted: "the path of a folder",
    read: (text) => text,
    shown: "none",
    fallback: undefined,
    help: "A folder whose .js files add entries to the catalog: see docs/extending.md. They are code that runs here: bring only your own. `trainyard work` and every command read it too.",
  }),
  TRAINYARD_JOB_MEMORY: variable<number>({
    ...integer(64, 2 ** 24),
    shown: "80 % of the machine's",
    fallback: Math.floor(0.8 * machineMemory()),
    help: "MiB of memory that a job may take, or the process that predicts; `trainyard work` reads it too. What takes more is ended and fails.",
  }),
  TRAINYARD_TRAIN_SECONDS: variable<number | undefined>({
    ...seconds,
    shown: "no limit",
    fallback: undefined,
    help: "How long a training may take from its last start; `trainyard work` reads it too.",
  }),
  TRAINYARD_EVALUATE_SECONDS: variable<number>({ ...seconds, fallback: 3600, help: "Likewise an evaluation." }),
  TRAINYARD_INGEST_SECONDS: variable<number>({ ...seconds, fallback: 3600, help: "Likewise reading a dataset." }),
  TRAINYARD_PREDICT_SECONDS: variable<number>({ ...seconds, fallback: 60, help: "How long a prediction may take." }),
  TRAINYARD_MAX_UPLOAD: variable<number>({
    ...integer(1, 2 ** 46),
    shown: "10737418240 (10 GiB)",
    fallback: 10 * 2 ** 30,
    help: "Largest upload, in bytes.",
  }),
  TRAINYARD_UPLOAD_GRACE: variable<number>({
    ...integer(0, 1e7),
    fallback: 86_400,
    help: "Seconds that an upload which nothing refers to is safe from a purge.",
  }),
  TRAINYARD_LOG_LEVEL: variable<"trace" | "debug" | "info" | "warn" | "error" | "silent">({
    ...oneOf("trace", "debug", "info", "warn", "error", "silent"),
    fallback: "warn",
    help: "What the server logs, to stderr.",
  }),
  TRAINYARD_LOG_FORMAT: variable<"json" | "plain">({
    ...oneOf("json", "plain"),
    fallback: "plain",
    help: "json: one object a line. plain: `| DATE: DD/MM/YYYY | TIME: HH:MM:SS | [ FLOW @ FUNCTION ] …`.",
  }),
} as const satisfies Record<string, Variable<never> | object>;

type Variables = typeof variables;
type Value<K extends keyof Variables> = Variables[K] extends Variable<infer T> ? T : never;

export interface Config {
  readonly home: string;
  readonly host: string;
  readonly port: number;
  readonly allowedHosts: readonly string[];
  /** PEM. */
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly proxies: readonly string[];
  readonly publicUrl?: string;
  readonly insecureNetwork: boolean;
  /** A private key for ECDH-ES. */
  readonly downloadKey?: JWK;
  readonly oidc?: { readonly issuer: string; readonly clientId: string; readonly clientSecret?: string; readonly role: Value<"TRAINYARD_OIDC_ROLE"> };
  readonly workers: number;
  readonly workerToken?: string;
  readonly databaseUrl?: string;
  readonly pool: number;
  readonly store?: string;
  readonly buckets: readonly BucketPlace[];
  readonly s3: { readonly endpoint?: string; readonly forcePathStyle?: boolean };
  readonly leaseSeconds: number;
  /** Of the processes that open files of people: MiB, and seconds where there is a limit. */
  readonly limits: { readonly memory: number; readonly seconds: Readonly<Record<"train" | "evaluate" | "ingest", number | undefined>> };
  readonly predictSeconds: number;
  readonly maxUpload: number;
  readonly uploadGrace: number;
  readonly log: { readonly level: Value<"TRAINYARD_LOG_LEVEL">; readonly format: Value<"TRAINYARD_LOG_FORMAT"> };
}

/** Flags of the command line go before the environment. */
export interface Flags {
  readonly data?: string;
  readonly host?: string;
  readonly port?: string;
  readonly workers?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly insecureNetwork?: string;
}
const flagOf: Readonly<Partial<Record<keyof Variables, keyof Flags>>> = {
  TRAINYARD_HOME: "data",
  TRAINYARD_HOST: "host",
  TRAINYARD_PORT: "port",
  TRAINYARD_WORKERS: "workers",
  TRAINYARD_TLS_CERT: "tlsCert",
  TRAINYARD_TLS_KEY: "tlsKey",
  TRAINYARD_INSECURE_NETWORK: "insecureNetwork",
};
/** As they are typed. */
const typed = (flag: string): string => `--${flag.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

export const isLoopback = (host: string): boolean => /^(localhost|127\.[\d.]+|\[?::1\]?)$/.test(host);
const isPlain = (url: string): boolean => new URL(url).protocol === "http:";

/**
 * Reads and checks everything.
 * @throws BAD_CONFIG with every problem
 */
export function readConfig(env: Readonly<Record<string, string | undefined>> = process.env, flags: Flags = {}): Config {
  const problems: string[] = [];
  const value = <K extends keyof Variables>(name: K): Value<K> => {
    const { read, fallback, wanted, secret } = variables[name] as unknown as Variable<Value<K>>;
    const flag = flagOf[name];
    const fromFlag = flag && flags[flag];
    const text = fromFlag ?? env[name];
    if (text === undefined || text === "") return fallback;
    const result = read(text);
    if (result !== undefined) return result;
    problems.push(`${fromFlag === undefined ? name : typed(flag!)} must be ${wanted}, but is ${secret ? "something else" : JSON.stringify(text)}`);
    return fallback;
  };
  const names = Object.keys(variables) as (keyof Variables)[];
  const v = Object.fromEntries(names.map((name) => [name, value(name)])) as { [K in keyof Variables]: Value<K> };
  for (const name of Object.keys(env)) {
    if (name.startsWith("TRAINYARD_") && !names.includes(name as never) && !elsewhere.includes(name)) problems.push(`there is no variable ${name}`);
  }
  const [cert, key] = [v.TRAINYARD_TLS_CERT, v.TRAINYARD_TLS_KEY];
  if (!cert !== !key) problems.push("TRAINYARD_TLS_CERT and TRAINYARD_TLS_KEY must both be set, or neither");
  const tls = cert && key ? { cert, key } : undefined;
  const unusable = tls && problemOf(() => createSecureContext(tls));
  if (unusable) problems.push(`TRAINYARD_TLS_CERT and TRAINYARD_TLS_KEY must be files with a certificate and its private key (PEM), but ${unusable}`);
  const downloadKey = v.TRAINYARD_DOWNLOAD_KEY === undefined ? undefined : privateKey(v.TRAINYARD_DOWNLOAD_KEY);
  if (downloadKey === null) problems.push("TRAINYARD_DOWNLOAD_KEY must be a file with a private key (JWK, EC P-256), but is another");
  if (!isLoopback(v.TRAINYARD_HOST) && !tls && !v.TRAINYARD_PROXIES.length && !v.TRAINYARD_INSECURE_NETWORK)
    problems.push(
      `listening on ${v.TRAINYARD_HOST} without TLS shows passwords and data to the network: set TRAINYARD_TLS_CERT and TRAINYARD_TLS_KEY, or TRAINYARD_PROXIES if a proxy ends TLS before this server, or --insecure-network if all of this is known`,
    );
  if (v.TRAINYARD_PROXIES.length && !v.TRAINYARD_PUBLIC_URL)
    problems.push("TRAINYARD_PROXIES needs TRAINYARD_PUBLIC_URL: where people reach the server through the proxy, for links and cookies");
  const s3 = { endpoint: v.AWS_ENDPOINT_URL_S3 ?? v.AWS_ENDPOINT_URL, forcePathStyle: v.TRAINYARD_S3_FORCE_PATH_STYLE };
  const own = { home: v.TRAINYARD_HOME, store: v.TRAINYARD_STORE, endpoint: s3.endpoint };
  for (const place of v.TRAINYARD_BUCKETS)
    if (overlaps(place, own)) problems.push(`TRAINYARD_BUCKETS must not name what the platform keeps its own things in, but ${place.name} does`);
  const [issuer, clientId] = [v.TRAINYARD_OIDC_ISSUER, v.TRAINYARD_OIDC_CLIENT_ID];
  if (!issuer !== !clientId) problems.push("TRAINYARD_OIDC_ISSUER and TRAINYARD_OIDC_CLIENT_ID must both be set, or neither");
  if (issuer && isPlain(issuer) && !isLoopback(new URL(issuer).hostname))
    problems.push(
      `TRAINYARD_OIDC_ISSUER must begin with https://, but is ${JSON.stringify(issuer)}: what comes by http:// from another machine can be forged on the way`,
    );
  if (problems.length) throw fail("BAD_CONFIG", { problems });
  return {
    tls,
    proxies: v.TRAINYARD_PROXIES,
    publicUrl: v.TRAINYARD_PUBLIC_URL,
    insecureNetwork: v.TRAINYARD_INSECURE_NETWORK,
    downloadKey: downloadKey ?? undefined,
    oidc: issuer && clientId ? { issuer, clientId, clientSecret: v.TRAINYARD_OIDC_CLIENT_SECRET, role: v.TRAINYARD_OIDC_ROLE } : undefined,
    home: v.TRAINYARD_HOME,
    host: v.TRAINYARD_HOST,
    port: v.TRAINYARD_PORT,
    allowedHosts: v.TRAINYARD_ALLOWED_HOSTS,
    workers: v.TRAINYARD_WORKERS,
    workerToken: v.TRAINYARD_WORKER_TOKEN,
    databaseUrl: v.DATABASE_URL,
    pool: v.TRAINYARD_POOL,
    store: v.TRAINYARD_STORE,
    buckets: v.TRAINYARD_BUCKETS,
    s3,
    leaseSeconds: v.TRAINYARD_LEASE_SECONDS,
    limits: {
      memory: v.TRAINYARD_JOB_MEMORY,
      seconds: { train: v.TRAINYARD_TRAIN_SECONDS, evaluate: v.TRAINYARD_EVALUATE_SECONDS, ingest: v.TRAINYARD_INGEST_SECONDS },
    },
    predictSeconds: v.TRAINYARD_PREDICT_SECONDS,
    maxUpload: v.TRAINYARD_MAX_UPLOAD,
    uploadGrace: v.TRAINYARD_UPLOAD_GRACE,
    log: { level: v.TRAINYARD_LOG_LEVEL, format: v.TRAINYARD_LOG_FORMAT },
  };
}

function problemOf(attempt: () => unknown): string | undefined {
  try {
    attempt();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** @returns null for what is none */
function privateKey(text: string): JWK | null {
  try {
    const key = JSON.parse(text) as JWK;
    return key.kty === "EC" && key.crv === "P-256" && key.x && key.y && key.d ? key : null;
  } catch {
    return null;
  }
}

/** What the history may tell of a configuration: no secrets, and of the database and the end point of S3, whose addresses may hold one, only what kind they are. */
export const shown = ({
  home: _,
  workerToken,
  databaseUrl,
  oidc,
  tls,
  downloadKey,
  s3,
  buckets,
  ...rest
}: Config): Readonly<Record<string, unknown>> => ({
  ...rest,
  tls: tls !== undefined,
  downloadKey: downloadKey !== undefined,
  database: databaseUrl === undefined ? "embedded" : "postgresql",
  s3Endpoint: s3.endpoint !== undefined,
  buckets: buckets.map((place) => ({ ...place, ...("endpoint" in place && { endpoint: place.endpoint !== undefined }) })),
  workerToken: workerToken === undefined ? "made" : "given",
  oidc: oidc && { issuer: oidc.issuer, role: oidc.role },
});

/** What processes that the server starts may know of its environment. */
export const childEnvironment = (): Record<string, string> => harmlessOf(process.env);

/** Read by the command line and the tests. */
const elsewhere = ["TRAINYARD_URL", "TRAINYARD_TOKEN", "TRAINYARD_PROJECT", "TRAINYARD_PYTHON"];
