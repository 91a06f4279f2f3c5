/** Routes of administration, and of health. */
import type { Handlers } from "../../handler.ts";
import { purge, storage, verify } from "./service.ts";

export const adminRoutes: Handlers<"getStorage" | "purge" | "verify" | "live" | "ready" | "metrics"> = {
  getStorage: (kernel) => storage(kernel),
  purge: (kernel, { context }) => purge(kernel, context),
  verify: (kernel) => verify(kernel),
  live: () => ({ live: true }),
  async ready({ db, store }) {
    await Promise.all([db.check(), store.check()]);
    return { ready: true };
  },
  metrics: ({ telemetry }) => telemetry.registry.metrics(),
};
