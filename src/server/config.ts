/** The server's configuration: every variable, what it accepts and what it is for. The one place in the server that reads the environment. */
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { fail } from "../shared/errors.ts";

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
  TRAINYARD_WORKERS: variable<number>({ ...integer(0, 256), fallback: 1, help: "Worker processes that the server starts on its own machine." }),
  TRAINYARD_WORKER_TOKEN: variable<string | undefined>({
    wanted: "at least 20 letters, digits or signs of ASCII",
    read: (t) => (/^[\x21-\x7e]{20,}$/.test(t) ? t : undefined),
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
  readonly workers: number;
  readonly workerToken?: string;
  readonly databaseUrl?: string;
  readonly pool: number;
  readonly store?: string;
  readonly s3: { readonly endpoint?: string; readonly forcePathStyle?: boolean };
  readonly leaseSeconds: number;
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
}
const flagOf: Readonly<Partial<Record<keyof Variables, keyof Flags>>> = {
  TRAINYARD_HOME: "data",
  TRAINYARD_HOST: "host",
  TRAINYARD_PORT: "port",
  TRAINYARD_WORKERS: "workers",
};

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
    problems.push(`${fromFlag === undefined ? name : `--${flag}`} must be ${wanted}, but is ${secret ? "something else" : JSON.stringify(text)}`);
    return fallback;
  };
  const names = Object.keys(variables) as (keyof Variables)[];
  const v = Object.fromEntries(names.map((name) => [name, value(name)])) as { [K in keyof Variables]: Value<K> };
  for (const name of Object.keys(env)) {
    if (name.startsWith("TRAINYARD_") && !names.includes(name as never) && !elsewhere.includes(name)) problems.push(`there is no variable ${name}`);
  }
  if (problems.length) throw fail("BAD_CONFIG", { problems });
  return {
    home: v.TRAINYARD_HOME,
    host: v.TRAINYARD_HOST,
    port: v.TRAINYARD_PORT,
    allowedHosts: v.TRAINYARD_ALLOWED_HOSTS,
    workers: v.TRAINYARD_WORKERS,
    workerToken: v.TRAINYARD_WORKER_TOKEN,
    databaseUrl: v.DATABASE_URL,
    pool: v.TRAINYARD_POOL,
    store: v.TRAINYARD_STORE,
    s3: { endpoint: v.AWS_ENDPOINT_URL_S3 ?? v.AWS_ENDPOINT_URL, forcePathStyle: v.TRAINYARD_S3_FORCE_PATH_STYLE },
    leaseSeconds: v.TRAINYARD_LEASE_SECONDS,
    maxUpload: v.TRAINYARD_MAX_UPLOAD,
    uploadGrace: v.TRAINYARD_UPLOAD_GRACE,
    log: { level: v.TRAINYARD_LOG_LEVEL, format: v.TRAINYARD_LOG_FORMAT },
  };
}

/** What processes that the server starts may know of its environment: no addresses and no secrets. */
const harmless = ["PATH", "HOME", "TMPDIR", "TEMP", "TMP", "TZ", "LANG", "SYSTEMROOT", "USERPROFILE"];
export const childEnvironment = (): Record<string, string> =>
  Object.fromEntries(harmless.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])));

/** Read by the command line, the workers and the tests. */
const elsewhere = ["TRAINYARD_URL", "TRAINYARD_TOKEN", "TRAINYARD_WORKER", "TRAINYARD_PYTHON"];
