/** How the server starts processes of its own code, compiled or from the sources: with nothing of its environment that they could give away. */
import { fileURLToPath } from "node:url";
import { childEnvironment } from "./config.ts";

export interface Child {
  readonly path: string;
  readonly execArgv: string[];
  readonly env: Record<string, string>;
}

/** @param module below src, without its ending */
export function childOf(module: string, extra: Readonly<Record<string, string>> = {}): Child {
  const fromSource = import.meta.url.endsWith(".ts");
  return {
    path: fileURLToPath(new URL(`../${module}.${fromSource ? "ts" : "js"}`, import.meta.url)),
    execArgv: fromSource ? ["--conditions=source", "--import", "tsx"] : [],
    env: { ...childEnvironment(), ...extra },
  };
}
