/** How the web application is bundled: from src/web into dist/web, which the server hands out. */
import { defineConfig } from "vite";

export default defineConfig({
  root: "src/web",
  logLevel: "warn",
  resolve: { conditions: ["source", "module", "browser", "production"] },
  build: {
    outDir: "../../dist/web",
    emptyOutDir: true,
    target: "es2023",
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 800, // kB before compression; what is promised is checked after it, by a test
    rolldownOptions: {
      output: {
        strictExecutionOrder: true, // src/web/strict.ts before what it is about, whatever chunk that is in
        // What most pages need comes as one file, not as dozens that are each a kilobyte.
        codeSplitting: { groups: [{ name: "common", minShareCount: 18 }] },
      },
      // Mantine marks its files for React's server components, which there are none of here.
      onLog: (level, log, handle) => void (log.code === "MODULE_LEVEL_DIRECTIVE" || handle(level, log)),
    },
  },
});
