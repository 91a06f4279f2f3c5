/** Credentials of a bucket from an Ansible vault: a file that `ansible-vault` encrypted, with YAML or JSON in it. */
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { fail } from "../shared/errors.ts";

/** Names as AWS, boto3 and people write them: upper or lower case, with or without a prefix. */
const fields = {
  accessKeyId: /^(aws_)?(s3_)?access_?key(_?id)?$/i,
  secretAccessKey: /^(aws_)?(s3_)?secret_?(access_?)?key$/i,
  sessionToken: /^(aws_)?session_?token$/i,
  region: /^(aws_)?(default_)?region$/i,
  endpoint: /^(aws_|s3_)?endpoint(_?url)?(_?s3)?$/i,
} as const;
export type VaultCredentials = Readonly<Partial<Record<keyof typeof fields, string>>>;

/**
 * @param password of the vault
 * @throws FILE_NOT_FOUND, BAD_FILE for another password, another file, or one without credentials; none of them tells what is in it
 */
export async function readVault(path: string, password: string): Promise<VaultCredentials> {
  const text = await readFile(path, "utf8").catch((cause) => {
    throw fail("FILE_NOT_FOUND", { path, what: "vault file", fix: "Check the path." }, cause);
  });
  const bad = (want: string, got: string, fix: string) => fail("BAD_FILE", { path, want, got, fix });
  if (!text.startsWith("$ANSIBLE_VAULT;"))
    throw bad("an Ansible vault", "does not begin with $ANSIBLE_VAULT", "Encrypt it: ansible-vault encrypt FILE.");
  const [{ Vault }, { parse }] = await Promise.all([import("ansible-vault"), import("yaml")]);
  // What it throws may hold what was decrypted.
  const content = await new Vault({ password }).decrypt(text, undefined).catch(() => undefined);
  if (content === undefined) throw bad("a vault that this password opens", "it does not", "Check the password, and that the file is complete.");
  const shape = z.record(z.string(), z.unknown()).safeParse(parsed(() => parse(content, { maxAliasCount: 0 })));
  if (!shape.success) throw bad("YAML with access_key_id and secret_access_key", "holds something else", "Write them as name: value, a line each.");
  const found: Partial<Record<keyof typeof fields, string>> = {};
  for (const [name, value] of Object.entries(shape.data)) {
    const field = (Object.keys(fields) as (keyof typeof fields)[]).find((key) => fields[key].test(name));
    if (field && typeof value === "string") found[field] = value;
  }
  if (!found.accessKeyId || !found.secretAccessKey)
    throw bad("YAML with access_key_id and secret_access_key", "lacks one of them", "Write them as name: value, a line each.");
  return found;
}

function parsed(parse: () => unknown): unknown {
  try {
    return parse();
  } catch {
    return undefined;
  }
}
