/** Which Trainyard this is. */
import { readFileSync } from "node:fs";
import { inPackage } from "./code.ts";

export const { version } = JSON.parse(readFileSync(inPackage("package.json"), "utf8")) as { version: string };
