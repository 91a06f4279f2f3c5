/** The one place where the command line reads its environment. What the server reads of it is in `server/config.ts`. */
import { homedir } from "node:os";
import { join, resolve } from "node:path";

export const config = {
  /** TRAINYARD_URL: the server to talk to. Without it: the one that runs on the data directory, else one inside the command. */
  url: process.env.TRAINYARD_URL || undefined,
  /** TRAINYARD_TOKEN: what that server knows this person by; shown to no other. Without it: the session that `login` opened there. */
  token: process.env.TRAINYARD_TOKEN || undefined,
  /** TRAINYARD_PROJECT: where to train and to look, as --project says it. Without it: in the usual project, and in all. */
  project: process.env.TRAINYARD_PROJECT || undefined,
  /** TRAINYARD_HOME: the data directory. */
  home: resolve(process.env.TRAINYARD_HOME || join(homedir(), ".trainyard")),
  /** COLUMNS, else the terminal's width: what tables are cut to. Unlimited where no terminal is. */
  columns: Number(process.env.COLUMNS) || process.stdout.columns || Number.POSITIVE_INFINITY,
  /** The command, for those who find the data directory in use by it: "train". */
  verb: process.argv[2] ?? "",
  /** For the embedded platform, which has variables of its own. */
  environment: process.env,
};
