/** Ids as the world sees them: a row's UUID, sealed with a key of the server. `public-ids.ts` does it to requests and answers. */
import { type Cipher, createCipheriv, createDecipheriv, createHash, type Decipher } from "node:crypto";

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
export const isUuid = (text: unknown): text is string => typeof text === "string" && uuidPattern.test(text);

/** A UUID that is a function of its parts: what is made twice from the same key is the same. Version 8 of RFC 9562. */
export function idFor(...parts: readonly string[]): string {
  const bytes = createHash("sha256").update(JSON.stringify(parts)).digest().subarray(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return textOf(bytes);
}

/** The project of whatever nobody put into another. */
export const DEFAULT_PROJECT = idFor("project", "default");
/** Events of the time before there were projects name none. */
export const inDefault = <T extends { readonly project: string }>(event: T): T => (event.project ? event : { ...event, project: DEFAULT_PROJECT });
/** The entity whose history is the platform's own. */
export const SERVER = idFor("server");

export function textOf(bytes: Buffer): string {
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** One block of AES is a permutation of all UUIDs that only the key tells. */
const BLOCK = 16;
/** Bytes that are right by chance once in four billion times, so that what was never sealed reaches no query. */
const TAG = 4;
/** Base 32 (RFC 4648) in lower case: 20 bytes are 32 letters, which no program takes for a number and no one for a path. */
const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";
const sealed = new RegExp(`^[${ALPHABET}]{${((BLOCK + TAG) * 8) / 5}}$`);

function base32(bytes: Uint8Array): string {
  let [text, bits, held] = ["", 0, 0];
  for (const byte of bytes) {
    held = ((held << 8) | byte) & 0xfff;
    for (bits += 8; bits >= 5; bits -= 5) text += ALPHABET[(held >> (bits - 5)) & 31];
  }
  return text;
}

function fromBase32(text: string): Buffer {
  const bytes = Buffer.alloc((text.length * 5) / 8);
  let [at, bits, held] = [0, 0, 0];
  for (const letter of text) {
    held = ((held << 5) | ALPHABET.indexOf(letter)) & 0xfff;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes[at++] = (held >> bits) & 0xff;
  }
  return bytes;
}

/** A key at work. Blocks are independent of each other, so a cipher serves for all. */
class Seal {
  readonly #encrypt: Cipher;
  readonly #decrypt: Decipher;
  readonly #mark: Cipher;

  constructor(key: Buffer) {
    const cipher = (part: Buffer) => createCipheriv("aes-128-ecb", part, null).setAutoPadding(false);
    this.#encrypt = cipher(key.subarray(0, 16));
    this.#decrypt = createDecipheriv("aes-128-ecb", key.subarray(0, 16), null).setAutoPadding(false);
    this.#mark = cipher(key.subarray(16, 32));
  }

  #tag = (uuid: Buffer): Buffer => this.#mark.update(uuid).subarray(0, TAG);

  seal(id: string): string {
    const uuid = Buffer.from(id.replaceAll("-", ""), "hex");
    return base32(Buffer.concat([this.#encrypt.update(uuid), this.#tag(uuid)]));
  }

  open(bytes: Buffer): string | undefined {
    const uuid = this.#decrypt.update(bytes.subarray(0, BLOCK));
    return this.#tag(uuid).equals(bytes.subarray(BLOCK)) ? textOf(uuid) : undefined;
  }
}

export class Ids {
  readonly #keys: () => readonly Buffer[];
  #known: readonly Buffer[] = [];
  #seals: readonly Seal[] = [];

  /** @param keys of 32 bytes, the newest first: it seals, the others still open what they sealed */
  constructor(keys: () => readonly Buffer[]) {
    this.#keys = keys;
  }

  get #all(): readonly Seal[] {
    const keys = this.#keys();
    if (keys !== this.#known) {
      this.#known = keys;
      this.#seals = keys.map((key) => new Seal(key));
    }
    return this.#seals;
  }

  seal(id: string): string {
    return this.#all[0]!.seal(id);
  }

  /** The UUID behind a public id; nothing for what this server never sealed. */
  open(text: string): string | undefined {
    if (!sealed.test(text)) return undefined;
    const bytes = fromBase32(text);
    for (const one of this.#all) {
      const id = one.open(bytes);
      if (id) return id;
    }
    return undefined;
  }
}
