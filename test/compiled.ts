/** What the tests start as processes and threads: the sources of now, compiled once for all files, as `dist` may be stale. Global set-up of vitest. */
import { cpSync, existsSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { rolldown } from "rolldown";
import { bundle } from "../scripts/bundle.ts";

/** As a package of its own, below this one's node_modules. */
export const compiled: string = resolve("node_modules/.cache/trainyard", `tests-${process.pid}`);

/** Each project sets up; the first one does it. */
export async function setup(): Promise<(() => void) | undefined> {
  if (existsSync(compiled)) return undefined;
  mkdirSync(compiled, { recursive: true });
  cpSync("package.json", join(compiled, "package.json"));
  cpSync("data", join(compiled, "data"), { recursive: true });
  await bundle(join(compiled, "dist"), false, { "test/database/process": "test/database/process.ts" });
  if (existsSync("dist/web")) symlinkSync(resolve("dist/web"), join(compiled, "dist/web"));
  const hog = await rolldown({ input: "test/hog.ts", platform: "node" });
  await hog.write({ dir: join(compiled, "test") });
  return () => rmSync(compiled, { recursive: true });
}

/** Tests import the sources, which then find what they start where it is compiled. */
export const startsCompiled = {
  name: "starts-compiled",
  transform(code: string, id: string) {
    if (!id.endsWith("/src/shared/code.ts")) return undefined;
    return code.replaceAll("import.meta.url", JSON.stringify(new URL(`file://${join(compiled, "dist/shared/code.js")}`).href));
  },
};
