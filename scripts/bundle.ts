/** Compiles src into few files, dependencies and all: what starts often, such as commands and jobs, would else spend half of its time on finding modules. */
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { rolldown } from "rolldown";

/** What processes and threads begin with, and what others import: packages, the build, and bench/data/pictures.ts. */
const entries = [
  "cli/main",
  "worker/main",
  "worker/job-main",
  "worker/predictor",
  "engine/index",
  "storage/index",
  "server/database/template",
  "shared/code",
  "shared/define",
  "catalog/datasets/pictures",
];
/** Native, or with files of their own beside them. */
const apart = [/^onnxruntime-node/, /^@duckdb\//, /^sharp/, /^@node-rs\//, /^@electric-sql\//, /^@fastify\/swagger-ui/, /^pg-native/];

/**
 * @param into where dist is to be, without what is not of TypeScript
 * @param more files to begin with, by their names there
 */
export async function bundle(into: string, sourcemap = false, more: Readonly<Record<string, string>> = {}): Promise<void> {
  const threads = readdirSync("src", { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith("-thread.ts"))
    .map((file) => file.replaceAll("\\", "/").replace(/\.ts$/, ""));
  const made = await rolldown({
    input: { ...Object.fromEntries([...entries, ...threads].map((name) => [name, join("src", `${name}.ts`)])), ...more },
    platform: "node",
    external: apart,
    tsconfig: false,
    transform: { target: "es2023" }, // as tsconfig.json has it
  });
  rmSync(join(into, "parts"), { recursive: true, force: true });
  await made.write({ dir: into, sourcemap, entryFileNames: "[name].js", chunkFileNames: "parts/[name]-[hash].js" });
  await made.close();
}

if (import.meta.url === pathToFileURL(process.argv[1]!).href) await bundle("dist", true);
