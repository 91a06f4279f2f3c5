/** `npm start`: installs, compiles, then opens the platform, or runs the `trainyard` command that follows `--`. */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { build, install } from "./prepare.mjs";

if (!install() || !build()) process.exit(1);

// In this process, not in a child: an interrupt reaches the platform itself, and its exit code is ours.
const main = resolve("dist", "cli", "main.js");
const given = process.argv.slice(2);
process.argv = [process.execPath, main, ...(given.length ? given : ["serve"])];
await import(pathToFileURL(main).href);
