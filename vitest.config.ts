/** How the tests run: straight from the sources, in two processes, because ONNX Runtime brings threads of its own. */
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
  // Vite does not resolve a package's own name, which Node does by the `source` condition.
  resolve: { alias: { "trainyard/engine": fileURLToPath(new URL("src/engine/index.ts", import.meta.url)) } },
  test: {
    environment: "node",
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    exclude: ["dist/**", "node_modules/**"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
