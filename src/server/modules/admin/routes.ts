/** Routes of administration, and of health. */
import type { Handlers } from "../../handler.ts";
import { SERVER } from "../../ids.ts";
import { audit, serverEntity } from "../events/audit.ts";
import { purge, storage, verify } from "./service.ts";

export const adminRoutes: Handlers<"getStorage" | "getServerLog" | "purge" | "verify" | "rotateKeys" | "live" | "ready" | "metrics"> = {
  getStorage: (kernel) => storage(kernel),
  getServerLog: ({ logBook }, { query }) => ({ items: logBook.read(query), last: logBook.last }),
  async purge(kernel, { context }) {
    const freed = await purge(kernel, context);
    await audit(kernel, { type: "purged", ...freed }, context);
    return freed;
  },
  async verify(kernel, { context }) {
    const found = await verify(kernel);
    await audit(kernel, { type: "verified", differences: found.differences.length, missingBlobs: found.missingBlobs.length }, context);
    return found;
  },
  async rotateKeys(kernel, { body: { graceDays }, context }) {
    await kernel.db.transaction(async (tx) => {
      await kernel.keys.rotate(tx, graceDays);
      await serverEntity.change(tx, SERVER, context, () => [{ type: "keys-rotated", graceDays }]);
    });
    await kernel.keys.refresh();
    return { keys: kernel.keys.listed };
  },
  live: () => ({ live: true }),
  async ready({ db, store }) {
    await Promise.all([db.check(), store.check()]);
    return { ready: true };
  },
  metrics: ({ telemetry }) => telemetry.registry.metrics(),
};
