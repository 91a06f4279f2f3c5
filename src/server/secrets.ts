/** Secrets that people and programs show: random, told apart by how they begin, and kept as hashes only. */
import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { CompactEncrypt, compactDecrypt } from "jose";
import { textOf } from "./ids.ts";

/** What a secret is for. The prefix is for people, and for tools that look for secrets where they should not be. */
export const prefixes = { session: "tys_", token: "tyt_", share: "tyr_", link: "tyl_", job: "tyj_" } as const;

/** 256 random bits. */
export const newSecret = (kind: keyof typeof prefixes): string => prefixes[kind] + randomBytes(32).toString("base64url");

/** A secret of 256 random bits needs no salt and no slow hash. */
export const hashOf = (secret: string): string => createHash("sha256").update(secret).digest("hex");

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
/** In a time that tells nothing about either. */
export const equal = (a: string, b: string): boolean => timingSafeEqual(digest(a), digest(b));

const MAC = 16;
const FENCE = 6;

/** The token of one claim of one job: its id and number, and a code that only the server can make. */
export function jobToken(key: Buffer, job: string, fence: number): string {
  const body = Buffer.alloc(16 + FENCE);
  Buffer.from(job.replaceAll("-", ""), "hex").copy(body);
  body.writeUIntBE(fence, 16, FENCE);
  return prefixes.job + Buffer.concat([body, mac(key, body)]).toString("base64url");
}

/** @returns the job and the number of the claim, if one of the keys made it */
export function readJobToken(keys: readonly Buffer[], token: string): { job: string; fence: number } | undefined {
  const bytes = Buffer.from(token.slice(prefixes.job.length), "base64url");
  if (bytes.length !== 16 + FENCE + MAC) return undefined;
  const body = bytes.subarray(0, 16 + FENCE);
  if (!keys.some((key) => timingSafeEqual(mac(key, body), bytes.subarray(16 + FENCE)))) return undefined;
  return { job: textOf(body.subarray(0, 16)), fence: body.readUIntBE(16, FENCE) };
}

const mac = (key: Buffer, body: Buffer): Buffer => createHmac("sha256", key).update(body).digest().subarray(0, MAC);

/** JSON that only the server can read, or have written: encrypted (JWE, RFC 7516) with the newest of its keys. */
export const seal = (keys: readonly Buffer[], value: unknown): Promise<string> =>
  new CompactEncrypt(new TextEncoder().encode(JSON.stringify(value))).setProtectedHeader({ alg: "dir", enc: "A256GCM" }).encrypt(keys[0]!);

/** @returns what was sealed, if one of the keys opens it */
export async function unseal(keys: readonly Buffer[], text: string): Promise<unknown> {
  for (const key of keys) {
    const opened = await compactDecrypt(text, key, { keyManagementAlgorithms: ["dir"], contentEncryptionAlgorithms: ["A256GCM"] }).catch(
      () => undefined,
    );
    if (opened) return JSON.parse(new TextDecoder().decode(opened.plaintext));
  }
  return undefined;
}
