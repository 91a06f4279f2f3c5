/** Downloads a published file from the first mirror that has it: goes on where an earlier attempt ended, and lets nothing appear that is not the file. */
import { createHash, type Hash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fail } from "../shared/errors.ts";

/** What is published. */
export interface Published {
  readonly name: string;
  readonly size?: number;
  readonly sha256?: string;
  readonly md5?: string;
  readonly urls: readonly string[];
}

export interface DownloadOptions {
  readonly signal?: AbortSignal;
  /** Bytes so far, those of earlier attempts included. */
  readonly progress?: (bytes: number) => void;
  /** How long a mirror may be silent. */
  readonly silenceMs?: number;
  /** How long to wait before a mirror is asked again that broke off; doubles each time. */
  readonly pauseMs?: number;
}

/** How often a mirror is asked again that breaks off without having sent `WORTHWHILE` bytes. */
const RETRIES = 3;
const WORTHWHILE = 2 ** 20;
const MOST_REDIRECTS = 5;
/** No published file is larger. */
const MOST_BYTES = 64 * 2 ** 30;
/** A partial file that nobody has written to for so long belongs to nobody: a download falls silent sooner. */
const FORSAKEN_MS = 120_000;

/**
 * @param what how messages call the file, and what to do if no mirror has it
 * @returns its path in the folder; what is there under its name is replaced
 * @throws DOWNLOAD_FAILED, with the reason of each mirror; WRITE_FAILED; and the reason of the signal
 */
export async function download(file: Published, folder: string, what: string, fix: string, options: DownloadOptions = {}): Promise<string> {
  const target = join(folder, file.name);
  await mkdir(folder, { recursive: true }).catch(refuseToWrite(folder));
  const partial = await PartialFile.claim(target, file);
  try {
    const reasons: string[] = [];
    for (const url of file.urls) {
      const why = await fromMirror(url, file, partial, options);
      if (why === undefined) {
        await partial.finish(target);
        return target;
      }
      reasons.push(`${url} ${why}`);
    }
    throw fail("DOWNLOAD_FAILED", { what, reasons, fix });
  } finally {
    await partial.release();
  }
}

/** A mirror does not have the file: asking it again changes nothing. */
class Refusal extends Error {}

/** @returns why it did not work; undefined: the whole file is there */
async function fromMirror(url: string, file: Published, partial: PartialFile, options: DownloadOptions): Promise<string | undefined> {
  const { signal, pauseMs = 500 } = options;
  // Without a digest only the mirror itself can tell whether the rest belongs to what is there.
  if (!file.sha256 && !file.md5 && partial.validatorFor(url) === undefined) await partial.clear();
  let resumed = partial.size > 0;
  for (let failures = 0; ; ) {
    const before = partial.size;
    try {
      signal?.throwIfAborted();
      if (file.size === undefined || partial.size < file.size) await receive(new URL(url), file, partial, options);
      const problem = partial.problem();
      if (problem === undefined) return undefined;
      await partial.clear();
      if (!resumed) return problem;
      resumed = false; // what was there before may have been the fault: once more, from the beginning
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof Refusal) return error.message;
      if (error instanceof Error && "code" in error && error.code === "WRITE_FAILED") throw error;
      failures = partial.size - before >= WORTHWHILE ? 0 : failures + 1;
      if (failures > RETRIES) return reasonOf(error);
      await sleep(pauseMs * 2 ** failures, undefined, { signal }).catch(() => signal?.throwIfAborted());
      resumed ||= partial.size > 0;
    }
  }
}

/** Asks for what is missing, and appends what comes. */
async function receive(url: URL, file: Published, partial: PartialFile, options: DownloadOptions): Promise<void> {
  const response = await ask(url, hostsOf(file), partial.validatorFor(url.href), options, partial.size);
  try {
    const { statusCode = 0, headers } = response;
    if (statusCode === 416) {
      await partial.clear(); // what we have is not a part of what it has
      throw new Error("its file is shorter than what was received before");
    }
    if (statusCode === 429 || statusCode >= 500) throw new Error(`answers ${statusCode}`);
    if (statusCode !== 200 && statusCode !== 206) throw new Refusal(`answers ${statusCode}`);
    if (/^\s*(text\/html|application\/xhtml)/i.test(headers["content-type"] ?? "")) throw new Refusal("answers with a web page instead of the file");
    const { start, total } = extentOf(response);
    if (total !== undefined && file.size !== undefined && total !== file.size) throw new Refusal(`has ${total} bytes instead of ${file.size}`);
    if (start !== partial.size) {
      if (start !== 0) throw new Refusal(`answers with bytes from ${start}, though asked for those from ${partial.size}`);
      await partial.clear();
    }
    await partial.from(url.href, validatorOf(headers));
    const most = file.size ?? total ?? MOST_BYTES;
    for await (const chunk of response as AsyncIterable<Buffer>) {
      if (partial.size + chunk.length > most) {
        await partial.clear();
        throw new Refusal(`sends more than ${most} bytes`);
      }
      await partial.append(chunk);
      options.progress?.(partial.size);
    }
    if (partial.size < (file.size ?? total ?? 0)) throw new Error(`breaks off after ${partial.size} of ${file.size ?? total} bytes`);
  } finally {
    response.destroy();
  }
}

/** Where the bytes of an answer belong. */
function extentOf({ statusCode, headers }: IncomingMessage): { start: number; total?: number } {
  const [, from, of] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers["content-range"] ?? "") ?? [];
  if (statusCode === 206 && from === undefined) throw new Refusal("answers with a part of the file, but does not say which");
  if (statusCode === 206) return { start: Number(from), ...(of !== "*" && { total: Number(of) }) };
  const length = headers["content-length"];
  return { start: 0, ...(length !== undefined && { total: Number(length) }) };
}

/** What tells one version of a mirror's file from another. Weak ETags do not speak of bytes. */
const validatorOf = ({ etag, "last-modified": modified }: IncomingMessage["headers"]): string | undefined =>
  etag && !etag.startsWith("W/") ? etag : modified;

const hostsOf = ({ urls }: Published): ReadonlySet<string> => new Set(urls.map((url) => new URL(url).host));

/** Follows redirects among the hosts of the mirrors, and never from https to http: nobody else is asked. */
async function ask(
  url: URL,
  hosts: ReadonlySet<string>,
  validator: string | undefined,
  options: DownloadOptions,
  from: number,
): Promise<IncomingMessage> {
  let at = url;
  for (let redirects = 0; ; redirects++) {
    const response = await send(at, from ? { range: `bytes=${from}-`, ...(validator && { "if-range": validator }) } : {}, options);
    const { statusCode = 0, headers } = response;
    if (statusCode < 300 || statusCode >= 400) return response;
    response.destroy();
    if (!headers.location || !URL.canParse(headers.location, at.href)) throw new Refusal(`answers ${statusCode} without saying where the file is`);
    if (redirects === MOST_REDIRECTS) throw new Refusal(`sends on to another address more than ${MOST_REDIRECTS} times`);
    const next = new URL(headers.location, at);
    if (!/^https?:$/.test(next.protocol) || (at.protocol === "https:" && next.protocol === "http:") || !hosts.has(next.host))
      throw new Refusal(`sends on to ${next.protocol}//${next.host}, which is none of the dataset's addresses`);
    at = next;
  }
}

/** The bytes of an answer come as they are on the wire: a file that is packed stays packed. */
function send(url: URL, headers: Record<string, string>, { signal, silenceMs = 30_000 }: DownloadOptions): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const init = { headers: { "accept-encoding": "identity", "user-agent": "trainyard", ...headers }, agent: false as const, signal };
    const request = url.protocol === "https:" ? httpsRequest(url, init) : httpRequest(url, init);
    request.setTimeout(silenceMs, () => request.destroy(new Error(`is silent for ${silenceMs / 1000} s`)));
    request.on("response", resolve).on("error", reject).end();
  });
}

const reasons: Readonly<Record<string, string>> = {
  ENOTFOUND: "is not known by name here: there may be no network",
  EAI_AGAIN: "is not known by name here: there may be no network",
  ECONNREFUSED: "refuses the connection",
  ECONNRESET: "breaks off the connection",
  ENETUNREACH: "is not reached: there is no network",
  EHOSTUNREACH: "is not reached",
  ETIMEDOUT: "is not reached in time",
};
function reasonOf(error: unknown): string {
  const { code = "", message } = error as NodeJS.ErrnoException;
  return reasons[code] ?? (message || code);
}

const refuseToWrite = (path: string) => (cause: Error) => {
  throw fail("WRITE_FAILED", { path, detail: cause.message, kept: "What was downloaded so far is kept." }, cause);
};

/** Where the bytes came from, so that the rest is asked of the same version. */
interface Origin {
  readonly url: string;
  readonly validator?: string;
}

/**
 * What has come of a file: `NAME.partial` while nobody works on it, and `NAME.….downloading` while somebody does. Who
 * renames it has it, so two downloads of one file never write to the same one.
 */
class PartialFile {
  readonly #idle: string;
  readonly #path: string;
  readonly #file: Published;
  #handle: FileHandle;
  #hash: Hash;
  #origin: Origin | undefined;
  #finished = false;
  size = 0;

  private constructor(idle: string, path: string, file: Published, handle: FileHandle) {
    this.#idle = idle;
    this.#path = path;
    this.#file = file;
    this.#handle = handle;
    this.#hash = this.#newHash();
  }

  static async claim(target: string, file: Published): Promise<PartialFile> {
    const idle = `${target}.partial`;
    const path = `${target}.${process.pid}-${randomBytes(6).toString("hex")}.downloading`;
    for (const candidate of [idle, ...(await forsaken(target))])
      if (await moved(candidate, path)) {
        await moved(`${candidate}.origin`, `${path}.origin`);
        break;
      }
    const partial = new PartialFile(idle, path, file, await open(path, "a+").catch(refuseToWrite(path)));
    for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) {
      partial.#hash.update(chunk as Buffer);
      partial.size += (chunk as Buffer).length;
    }
    partial.#origin = await readFile(`${path}.origin`, "utf8").then(JSON.parse, () => undefined);
    if (partial.size > (file.size ?? MOST_BYTES)) await partial.clear();
    return partial;
  }

  #newHash(): Hash {
    return createHash(this.#file.sha256 ? "sha256" : "md5");
  }

  /** What a request for the rest is conditional on: without it any version would do, and only the digest would tell. */
  validatorFor(url: string): string | undefined {
    return this.#origin?.url === url ? this.#origin.validator : undefined;
  }

  async from(url: string, validator: string | undefined): Promise<void> {
    if (this.#origin?.url === url && this.#origin.validator === validator) return;
    this.#origin = { url, validator };
    await writeFile(`${this.#path}.origin`, JSON.stringify(this.#origin)).catch(refuseToWrite(this.#path));
  }

  async append(chunk: Buffer): Promise<void> {
    await this.#handle.appendFile(chunk).catch(refuseToWrite(this.#path));
    this.#hash.update(chunk);
    this.size += chunk.length;
  }

  async clear(): Promise<void> {
    await this.#handle.truncate(0).catch(refuseToWrite(this.#path));
    this.#hash = this.#newHash();
    this.size = 0;
    this.#origin = undefined;
  }

  /** Why it is not the published file. */
  problem(): string | undefined {
    const { size, sha256, md5 } = this.#file;
    if (size !== undefined && this.size !== size) return `sends ${this.size} bytes instead of ${size}`;
    const want = sha256 ?? md5;
    const got = this.#hash.copy().digest("hex");
    return want !== undefined && got !== want ? `sends a file with ${sha256 ? "SHA-256" : "MD5"} ${got} instead of ${want}` : undefined;
  }

  async finish(target: string): Promise<void> {
    await this.#handle.sync().catch(refuseToWrite(this.#path));
    await this.#handle.close();
    await rename(this.#path, target).catch(refuseToWrite(target));
    this.#finished = true;
  }

  /** Leaves what has come for the next attempt, unless somebody else has left more. */
  async release(): Promise<void> {
    if (!this.#finished) {
      await this.#handle.close();
      const left = await stat(this.#idle).then(
        ({ size }) => size,
        () => 0,
      );
      if (this.size > left && (await moved(this.#path, this.#idle))) await moved(`${this.#path}.origin`, `${this.#idle}.origin`);
      else await rm(this.#path, { force: true });
    }
    await rm(`${this.#path}.origin`, { force: true });
  }
}

const moved = (from: string, to: string): Promise<boolean> =>
  rename(from, to).then(
    () => true,
    () => false,
  );

/** Files of downloads whose process was killed. */
async function forsaken(target: string): Promise<string[]> {
  const [folder, name] = [dirname(target), basename(target)];
  const paths = (await readdir(folder)).filter((one) => one.startsWith(`${name}.`) && one.endsWith(".downloading")).map((one) => join(folder, one));
  const silent = await Promise.all(paths.map(async (path) => (await stat(path).catch(() => undefined))?.mtimeMs ?? Number.POSITIVE_INFINITY));
  return paths.filter((_, i) => silent[i]! < Date.now() - FORSAKEN_MS);
}
