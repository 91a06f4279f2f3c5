/** Routes of the history. */
import type { Handlers } from "../../handler.ts";
import { nextCursor, readCursor } from "../../paging.ts";
import { countMessages, exportEvents, listEvents, listMessages, rewind } from "./service.ts";

export const eventRoutes: Handlers<"listEvents" | "exportEvents" | "rewind" | "listMessages" | "countMessages"> = {
  async listEvents(kernel, { query: { limit, cursor, ...filter } }) {
    const { items, last } = await listEvents(kernel, filter, limit, readCursor(cursor, "sequence"));
    return { items, next: nextCursor(last) };
  },
  exportEvents: (kernel, { query }) => exportEvents(kernel, query),
  rewind: (kernel, { params, query }) => rewind(kernel, params.kind, params.id, query.at),
  async listMessages(kernel, { query: { limit, cursor, ...filter } }) {
    const { items, last } = await listMessages(kernel, filter, limit, readCursor(cursor, "sequence"));
    return { items, next: nextCursor(last) };
  },
  countMessages: async (kernel, { query }) => ({ items: await countMessages(kernel, query) }),
};
