/**
 * Download links: each opens one object for some minutes, to whoever has it. A ticket is encrypted (JWE, RFC 7516) with a key
 * of the server. Where a pair of keys is configured it is signed by the server instead (JWS, ES256) and encrypted for the pair
 * (ECDH-ES): a gateway that has the pair and the server's public key can read and verify tickets, and make none.
 */
import { CompactEncrypt, CompactSign, compactDecrypt, compactVerify, importJWK, type JWK } from "jose";
import { z } from "zod";
import { fail } from "../shared/errors.ts";
import type { Keys } from "./keys.ts";
import { seal, unseal } from "./secrets.ts";

const ticket = z.strictObject({
  /** Of a blob. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  name: z.string(),
  /** Seconds since 1970. */
  exp: z.number(),
});
type Ticket = z.infer<typeof ticket>;

/** Seconds that a link lasts. */
const LINK_SECONDS = 300;

export class Tickets {
  readonly #keys: Keys;
  readonly #pair: JWK | undefined;

  /** @param pair a private JWK for ECDH-ES */
  constructor(keys: Keys, pair?: JWK) {
    this.#keys = keys;
    this.#pair = pair;
  }

  /** What a gateway needs to verify: nothing of it is secret. */
  get publicKeys(): Record<string, unknown>[] {
    return this.#keys.signing.map(({ kty, crv, x, y, kid, alg }) => ({ kty, crv, x, y, kid, alg, use: "sig" }));
  }

  async make(sha256: string, name: string): Promise<{ ticket: string; expiresAt: string }> {
    const exp = Math.floor(Date.now() / 1000) + LINK_SECONDS;
    const body: Ticket = { sha256, name, exp };
    const ticket = await (this.#pair ? this.#forPair(this.#pair, body) : seal(this.#keys.bytes("links"), body));
    return { ticket, expiresAt: new Date(exp * 1000).toISOString() };
  }

  async #forPair(pair: JWK, ticket: Ticket): Promise<string> {
    const [signer] = this.#keys.signing;
    const body = new TextEncoder().encode(JSON.stringify(ticket));
    const signed = await new CompactSign(body).setProtectedHeader({ alg: "ES256", kid: signer!.kid! }).sign(await importJWK(signer!, "ES256"));
    const { d: _, ...open } = pair;
    return new CompactEncrypt(new TextEncoder().encode(signed))
      .setProtectedHeader({ alg: "ECDH-ES+A256KW", enc: "A256GCM", cty: "JWT" })
      .encrypt(await importJWK(open, "ECDH-ES+A256KW"));
  }

  /** @throws NOT_FOUND for what is no ticket of this server, or no longer one */
  async read(text: string): Promise<Ticket> {
    const body = await (this.#pair ? this.#ofPair(this.#pair, text).catch(() => undefined) : unseal(this.#keys.bytes("links"), text));
    const { success, data } = ticket.safeParse(body);
    if (!success || data.exp * 1000 <= Date.now()) throw fail("NOT_FOUND", { what: "download link", id: `${text.slice(0, 12)}…` });
    return data;
  }

  async #ofPair(pair: JWK, text: string): Promise<unknown> {
    const { plaintext } = await compactDecrypt(text, await importJWK(pair, "ECDH-ES+A256KW"), {
      keyManagementAlgorithms: ["ECDH-ES+A256KW"],
      contentEncryptionAlgorithms: ["A256GCM"],
    });
    const find = async ({ kid }: { kid?: string }) => {
      const key = this.#keys.signing.find((one) => one.kid === kid);
      if (!key) throw new Error("signed by nobody known");
      const { d: _, ...open } = key;
      return importJWK(open, "ES256");
    };
    const { payload } = await compactVerify(new TextDecoder().decode(plaintext), find as never, { algorithms: ["ES256"] });
    return JSON.parse(new TextDecoder().decode(payload));
  }
}
