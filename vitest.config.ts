/**
 * How the tests run: straight from the sources, but for what they start (test/compiled.ts); in two processes, because ONNX Runtime brings threads of its own. Most of the server's run
 * twice: on what it embeds, and on PostgreSQL and S3. Those that kill run after all others, one at a time.
 */
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { startsCompiled } from "./test/compiled.ts";
import { available } from "./test/postgres-server.ts";

const ofServer = ["src/server/modules/**/*.test.ts", "test/api/**/*.test.ts"];
/** What they say no to never reaches the database and the store: on one back end is enough. */
const ofHttp = ["bad-input", "openapi", "security", "tls"].map((name) => `test/api/${name}.test.ts`);
/** They kill, stop and time processes of their own, and keep both cores busy with them. */
const alone = ["test/kill/**/*.test.ts", "test/confinement.test.ts"];
const nowhere = ["dist/**", "node_modules/**"];
if (!available) console.warn("PostgreSQL's programs are not there: the server is tested on its embedded database alone");

export default defineConfig({
  plugins: [startsCompiled],
  // Vite does not resolve a package's own name, which Node does by the `source` condition.
  resolve: {
    alias: Object.fromEntries(
      ["engine", "storage"].map((name) => [`trainyard/${name}`, fileURLToPath(new URL(`src/${name}/index.ts`, import.meta.url))]),
    ),
  },
  test: {
    environment: "node",
    pool: "forks",
    globalSetup: "test/compiled.ts",
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // A page on a busy machine takes its time.
    expect: { poll: { timeout: 20_000 } },
    projects: [
      { extends: true, test: { name: "all", include: ["src/**/*.test.ts", "test/**/*.test.ts"], exclude: [...nowhere, ...ofServer, ...alone] } },
      { extends: true, test: { name: "alone", include: alone, maxWorkers: 1, sequence: { groupOrder: 1 } } },
      { extends: true, test: { name: "embedded", include: ofServer, exclude: nowhere, provide: { backend: "embedded" } } },
      {
        extends: true,
        test: {
          name: "cluster",
          provide: { backend: "cluster" },
          // Without PostgreSQL there is one test, which says so by being skipped.
          include: available ? ofServer : ["test/api/backend.test.ts"],
          exclude: [...nowhere, ...ofHttp],
          globalSetup: ["test/compiled.ts", "test/cluster.ts"],
          // What s3rver knows.
          env: {
            AWS_ACCESS_KEY_ID: "S3RVER",
            AWS_SECRET_ACCESS_KEY: "S3RVER",
            AWS_REGION: "us-east-1",
            AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
          },
        },
      },
    ],
  },
});
