/** The one place where the command line reads its environment. What the server reads of it is in `server/config.ts`. */
import { homedir } from "node:os";
import { join, resolve } from "node:path";

// What the AWS SDK says of Node's version concerns who builds Trainyard, not who moves a file with it.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";

// Processes that are started in other folders read it, too.
if (process.env.TRAINYARD_EXTENSIONS) process.env.TRAINYARD_EXTENSIONS = resolve(process.env.TRAINYARD_EXTENSIONS);

export const config = {
  /** TRAINYARD_URL: the server to talk to. Without it: the one that runs on the data directory, else one inside the command. */
  url: process.env.TRAINYARD_URL || undefined,
  /** TRAINYARD_TOKEN: what that server knows this person by; shown to no other. Without it: the session that `login` opened there. */
  token: process.env.TRAINYARD_TOKEN || undefined,
  /** TRAINYARD_PROJECT: where to train and to look, as --project says it. Without it: in the usual project, and in all. */
  project: process.env.TRAINYARD_PROJECT || undefined,
  /** TRAINYARD_HOME: the data directory. */
  home: resolve(process.env.TRAINYARD_HOME || join(homedir(), ".trainyard")),
  /** TRAINYARD_EXTENSIONS: a folder whose files add to the catalog. */
  extensions: process.env.TRAINYARD_EXTENSIONS || undefined,
  /** AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, AWS_REGION, AWS_DEFAULT_REGION: of `bucket` and s3:// addresses. Credentials the SDK reads itself. */
  s3Endpoint: process.env.AWS_ENDPOINT_URL_S3 || process.env.AWS_ENDPOINT_URL || undefined,
  s3Region: process.env.AWS_REGION || process.env.AWS_DEFAULT_REGION || undefined,
  /** TRAINYARD_VAULT_PASSWORD: opens the vault that `bucket --vault` names. */
  vaultPassword: process.env.TRAINYARD_VAULT_PASSWORD || undefined,
  /** COLUMNS, else the terminal's width: what tables are cut to. Unlimited where no terminal is. */
  columns: Number(process.env.COLUMNS) || process.stdout.columns || Number.POSITIVE_INFINITY,
  /** The command, for those who find the data directory in use by it: "train". */
  verb: process.argv[2] ?? "",
  /** For the embedded platform, which has variables of its own. */
  environment: process.env,
};
