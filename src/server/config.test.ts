/** The configuration: every variable read, every problem told at once, no secret shown. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { exportJWK, generateKeyPair } from "jose";
import { expect, onTestFinished, test } from "vitest";
import { available, makeCertificate } from "../../test/certificate.ts";
import type { TrainyardError } from "../shared/errors.ts";
import { childEnvironment, readConfig, shown, variables } from "./config.ts";

const problemsOf = (env: Record<string, string>, flags = {}): readonly string[] => {
  try {
    readConfig(env, flags);
  } catch (error) {
    return (error as TrainyardError).details.problems as string[];
  }
  return [];
};

test("with nothing set everything is embedded, on this machine alone, with one worker", () => {
  expect(readConfig({})).toMatchObject({
    home: expect.stringMatching(/\/\.trainyard$/),
    host: "127.0.0.1",
    port: 4600,
    allowedHosts: [],
    workers: 1,
    databaseUrl: undefined,
    store: undefined,
    leaseSeconds: 15,
    limits: { seconds: { train: undefined, evaluate: 3600, ingest: 3600 } },
  });
  const { memory } = readConfig({}).limits;
  expect([memory > 64, memory < totalmem() / 2 ** 20]).toEqual([true, true]);
});

test.skipIf(!available)("every variable is read, files too", async () => {
  const folder = mkdtempSync(join(tmpdir(), "trainyard-config-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const { cert, key } = makeCertificate(folder);
  const pair = { ...(await exportJWK((await generateKeyPair("ECDH-ES+A256KW", { extractable: true })).privateKey)) };
  writeFileSync(join(folder, "pair.json"), JSON.stringify(pair));
  const config = readConfig({
    TRAINYARD_HOME: "/data",
    TRAINYARD_HOST: "0.0.0.0",
    TRAINYARD_TLS_CERT: cert,
    TRAINYARD_TLS_KEY: key,
    TRAINYARD_PROXIES: "10.0.0.0/8",
    TRAINYARD_PUBLIC_URL: "https://trainyard.example/",
    TRAINYARD_INSECURE_NETWORK: "true",
    TRAINYARD_DOWNLOAD_KEY: join(folder, "pair.json"),
    TRAINYARD_OIDC_ISSUER: "https://id.example",
    TRAINYARD_OIDC_CLIENT_ID: "trainyard",
    TRAINYARD_OIDC_CLIENT_SECRET: "a-secret-of-the-provider",
    TRAINYARD_OIDC_ROLE: "viewer",
    TRAINYARD_PORT: "0",
    TRAINYARD_ALLOWED_HOSTS: "a.example, b.example,",
    TRAINYARD_WORKERS: "3",
    TRAINYARD_WORKER_TOKEN: "twenty-characters-or-more",
    DATABASE_URL: "postgresql://user:password@db/trainyard",
    TRAINYARD_POOL: "20",
    TRAINYARD_STORE: "s3://bucket/prefix",
    TRAINYARD_BUCKETS: "photos=s3://photos/2026?endpoint=https://s3.example&profile=lab, lab=/srv/lab/:ro,",
    AWS_ENDPOINT_URL: "http://minio:9000",
    TRAINYARD_S3_FORCE_PATH_STYLE: "false",
    TRAINYARD_LEASE_SECONDS: "30",
    TRAINYARD_JOB_MEMORY: "2000",
    TRAINYARD_TRAIN_SECONDS: "90",
    TRAINYARD_EVALUATE_SECONDS: "80",
    TRAINYARD_INGEST_SECONDS: "70",
    TRAINYARD_PREDICT_SECONDS: "6",
    TRAINYARD_MAX_UPLOAD: "1000",
    TRAINYARD_UPLOAD_GRACE: "60",
    TRAINYARD_LOG_LEVEL: "debug",
    TRAINYARD_LOG_FORMAT: "json",
  });
  expect(config).toEqual({
    home: "/data",
    host: "0.0.0.0",
    port: 0,
    tls: { cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") },
    proxies: ["10.0.0.0/8"],
    publicUrl: "https://trainyard.example",
    insecureNetwork: true,
    downloadKey: pair,
    oidc: { issuer: "https://id.example", clientId: "trainyard", clientSecret: "a-secret-of-the-provider", role: "viewer" },
    allowedHosts: ["a.example", "b.example"],
    workers: 3,
    workerToken: "twenty-characters-or-more",
    databaseUrl: "postgresql://user:password@db/trainyard",
    pool: 20,
    store: "s3://bucket/prefix",
    buckets: [
      { name: "photos", readOnly: false, kind: "s3", bucket: "photos", prefix: "2026", endpoint: "https://s3.example", profile: "lab" },
      { name: "lab", readOnly: true, kind: "files", directory: "/srv/lab" },
    ],
    s3: { endpoint: "http://minio:9000", forcePathStyle: false },
    leaseSeconds: 30,
    limits: { memory: 2000, seconds: { train: 90, evaluate: 80, ingest: 70 } },
    predictSeconds: 6,
    maxUpload: 1000,
    uploadGrace: 60,
    log: { level: "debug", format: "json" },
  });
});

test("flags go before variables, the address of S3 before that of all services, and what is empty is as if not set", () => {
  const env = { TRAINYARD_PORT: "1", TRAINYARD_WORKERS: "", AWS_ENDPOINT_URL: "http://all", AWS_ENDPOINT_URL_S3: "http://s3" };
  expect(readConfig(env, { port: "2", data: "there" })).toMatchObject({
    port: 2,
    workers: 1,
    s3: { endpoint: "http://s3" },
    home: `${process.cwd()}/there`,
  });
});

test("every problem is told at once, with what was wanted and what came, but no secret", () => {
  const problems = problemsOf(
    {
      TRAINYARD_PORT: "70000",
      TRAINYARD_LEASE_SECONDS: "1.5",
      TRAINYARD_WORKER_TOKEN: "too-short-secret",
      DATABASE_URL: "mysql://user:password@db",
      TRAINYARD_STORE: "/data/objects",
      TRAINYARD_LOG_FORMAT: "xml",
      TRAINYARD_S3_FORCE_PATH_STYLE: "yes",
      TRAINYARD_COLOUR: "red",
    },
    { workers: "-1" },
  );
  expect([...problems].sort()).toEqual([
    '--workers must be an integer from 0 to 256, but is "-1"',
    "DATABASE_URL must be a URL that begins with postgres:// or postgresql://, but is something else",
    'TRAINYARD_LEASE_SECONDS must be an integer from 2 to 3600, but is "1.5"',
    'TRAINYARD_LOG_FORMAT must be one of json, plain, but is "xml"',
    'TRAINYARD_PORT must be an integer from 0 to 65535, but is "70000"',
    'TRAINYARD_S3_FORCE_PATH_STYLE must be true or false, but is "yes"',
    'TRAINYARD_STORE must be a URL that begins with s3://, but is "/data/objects"',
    "TRAINYARD_WORKER_TOKEN must be at least 20 letters, digits or signs of ASCII, and not one of an example, but is something else",
    "there is no variable TRAINYARD_COLOUR",
  ]);
  // A header cannot carry it.
  expect(problemsOf({ TRAINYARD_WORKER_TOKEN: "twenty characters with spaces" })).toHaveLength(1);
  expect(problems.join()).not.toMatch(/password|too-short-secret/);
});

test("every variable is documented: what it accepts and what it is for", () => {
  for (const [name, { help, wanted }] of Object.entries(variables) as [string, { help: string; wanted: string }][]) {
    expect([name, help]).toEqual([name, expect.stringMatching(/\.$/)]);
    expect(wanted).toMatch(/./);
  }
});

test("processes that the server starts learn no address and no secret of its environment", () => {
  const names = Object.keys(childEnvironment());
  expect(names).toContain("PATH");
  expect(names.filter((name) => /TRAINYARD|AWS|DATABASE|TOKEN|SECRET|KEY/.test(name))).toEqual([]);
});

test("a provider to sign in at is reached by https, or is on this machine", () => {
  const problems = (issuer: string) => problemsOf({ TRAINYARD_OIDC_ISSUER: issuer, TRAINYARD_OIDC_CLIENT_ID: "trainyard" });
  for (const issuer of ["https://id.example", "http://localhost:9000", "http://127.0.0.1/realms/one", "http://[::1]:9000"])
    expect([issuer, problems(issuer)]).toEqual([issuer, []]);
  for (const issuer of ["http://id.example", "http://localhost.example", "http://127.0.0.1.example"])
    expect([issuer, problems(issuer)]).toEqual([issuer, [expect.stringMatching(/^TRAINYARD_OIDC_ISSUER must begin with https:\/\//)]]);
  expect(problemsOf({ TRAINYARD_OIDC_ISSUER: "https://id.example" })).toHaveLength(1);
});

test("buckets are named once each, hold no credentials, and share no place with what the platform keeps itself", () => {
  const env = { TRAINYARD_HOME: "/data/home", TRAINYARD_STORE: "s3://own/deep/down", AWS_ENDPOINT_URL: "http://s3" };
  const problems = (text: string) => problemsOf({ ...env, TRAINYARD_BUCKETS: text });
  for (const good of [
    "a=/data/other",
    "a=/data/home2",
    "a=s3://other,b=/x",
    "a=s3://own/deep/downs",
    "a=s3://own/beside:ro",
    "a=s3://own?endpoint=http://elsewhere",
  ])
    expect([good, problems(good)]).toEqual([good, []]);
  for (const shared of [
    "a=/data/home",
    "a=/data/home/objects",
    "a=/data",
    "a=/",
    "a=/data/x/../home",
    "a=s3://own",
    "a=s3://own/deep",
    "a=s3://own/deep/down/x:ro",
  ])
    expect([shared, problems(shared)]).toEqual([shared, ["TRAINYARD_BUCKETS must not name what the platform keeps its own things in, but a does"]]);
  for (const bad of [
    "/srv",
    "a=srv",
    "a=/x,a=/y",
    "A b=/x",
    "a=s3://key:hush@own",
    "a=s3://b?endpoint=http://key:hush@s3",
    "a=s3://b?secret=hush",
    "a=http://s3/b",
  ])
    expect([bad, problems(bad)]).toEqual([bad, [expect.stringMatching(/^TRAINYARD_BUCKETS must be a list .* but is something else$/)]]);
});

test("an address that others reach needs TLS, a stated proxy, or a plain word that it needs neither", () => {
  for (const host of ["0.0.0.0", "::", "192.0.2.7", "trainyard.example"]) {
    const problems = (env: Record<string, string> = {}, flags = {}) => problemsOf({ TRAINYARD_HOST: host, ...env }, flags);
    expect(problems()).toEqual([expect.stringMatching(new RegExp(`^listening on ${host.replaceAll(".", "\\.")} without TLS .*--insecure-network`))]);
    expect(problems({ TRAINYARD_PROXIES: "10.0.0.1", TRAINYARD_PUBLIC_URL: "https://trainyard.example" })).toEqual([]);
    expect(problems({}, { insecureNetwork: "true" })).toEqual([]);
  }
  for (const host of ["127.0.0.1", "localhost", "::1", "127.0.0.53"]) expect(problemsOf({ TRAINYARD_HOST: host })).toEqual([]);
  expect(problemsOf({ TRAINYARD_TLS_CERT: "package.json" })).toEqual(["TRAINYARD_TLS_CERT and TRAINYARD_TLS_KEY must both be set, or neither"]);
});

test("a file that is not there, or is another, is told as what is wrong with the configuration", () => {
  expect(problemsOf({ TRAINYARD_TLS_CERT: "nowhere.pem", TRAINYARD_DOWNLOAD_KEY: "nowhere.json" })).toEqual([
    'TRAINYARD_TLS_CERT must be the path of a file that can be read, but is "nowhere.pem"',
    'TRAINYARD_DOWNLOAD_KEY must be the path of a file that can be read, but is "nowhere.json"',
  ]);
  expect(problemsOf({ TRAINYARD_TLS_CERT: "package.json", TRAINYARD_TLS_KEY: "package.json", TRAINYARD_DOWNLOAD_KEY: "package.json" })).toEqual([
    expect.stringMatching(/^TRAINYARD_TLS_CERT and TRAINYARD_TLS_KEY must be files with a certificate and its private key \(PEM\), but /),
    "TRAINYARD_DOWNLOAD_KEY must be a file with a private key (JWK, EC P-256), but is another",
  ]);
});

test("proxies are addresses or networks, and the server has to know where people reach it through them", () => {
  const env = { TRAINYARD_PUBLIC_URL: "https://trainyard.example" };
  for (const good of ["10.0.0.1", "10.0.0.0/8, fd00::/8", "::1"]) expect([good, problemsOf({ ...env, TRAINYARD_PROXIES: good })]).toEqual([good, []]);
  for (const bad of ["proxy.example", "10.0.0.0/33", "10.0.0", "10.0.0.1/x", "fd00::/129"])
    expect([bad, problemsOf({ ...env, TRAINYARD_PROXIES: bad })]).toEqual([bad, [expect.stringMatching(/^TRAINYARD_PROXIES must be a list/)]]);
  expect(problemsOf({ TRAINYARD_PROXIES: "10.0.0.1" })).toEqual([expect.stringContaining("needs TRAINYARD_PUBLIC_URL")]);
});

test("secrets that stand in examples are refused", () => {
  for (const sample of [
    "change-me-change-me-change-me",
    "your-token-goes-in-here-1",
    "xxxxxxxxxxxxxxxxxxxxxxxxx",
    "example-token-of-the-docs",
    "password-password-password",
  ])
    expect([sample, problemsOf({ TRAINYARD_WORKER_TOKEN: sample })]).toEqual([sample, [expect.stringContaining("not one of an example")]]);
  expect(problemsOf({ TRAINYARD_OIDC_CLIENT_SECRET: "changeme" })).toHaveLength(1);
});

test("what the history tells of a configuration holds no secret", () => {
  const text = JSON.stringify(
    shown(
      readConfig({
        TRAINYARD_WORKER_TOKEN: "a-secret-of-the-workers",
        DATABASE_URL: "postgresql://user:hush@db.example/trainyard",
        TRAINYARD_OIDC_ISSUER: "https://id.example",
        TRAINYARD_OIDC_CLIENT_ID: "trainyard",
        TRAINYARD_OIDC_CLIENT_SECRET: "a-secret-of-the-provider",
        AWS_ENDPOINT_URL: "http://key:hush@store.example",
        TRAINYARD_BUCKETS: "photos=s3://photos?endpoint=http://store.example",
      }),
    ),
  );
  for (const secret of ["a-secret", "hush", "db.example", "store.example"]) expect(text).not.toContain(secret);
  expect(text).toContain("https://id.example");
});
