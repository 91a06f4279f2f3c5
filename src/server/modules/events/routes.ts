/** Routes of the history. */
import type { Handlers } from "../../handler.ts";
import { nextCursor, readCursor } from "../../paging.ts";
import { audit } from "./audit.ts";
import { countEvents, countMessages, exportEvents, listEvents, listMessages, rewind } from "./service.ts";

export const eventRoutes: Handlers<"listEvents" | "countEvents" | "exportEvents" | "rewind" | "listMessages" | "countMessages"> = {
  async listEvents(kernel, { query: { limit, cursor, project: _, ...filter }, grant }) {
    const { items, last } = await listEvents(kernel, { ...filter, visible: grant.visible }, limit, readCursor(cursor, "sequence"));
    return { items, next: nextCursor(last) };
  },
  countEvents: (kernel, { query: { stretches, project: _, ...filter }, grant }) =>
    countEvents(kernel, { ...filter, visible: grant.visible }, stretches),
  async exportEvents(kernel, { query: { project, ...filter }, grant, context }) {
    await audit(kernel, { type: "exported", what: "events", ...(project && { project: grant.project }) }, context);
    return exportEvents(kernel, { ...filter, visible: grant.visible });
  },
  rewind: (kernel, { params, query }) => rewind(kernel, params.kind, params.id, query),
  async listMessages(kernel, { query: { limit, cursor, ...filter } }) {
    const { items, last } = await listMessages(kernel, filter, limit, readCursor(cursor, "sequence"));
    return { items, next: nextCursor(last) };
  },
  countMessages: async (kernel, { query }) => ({ items: await countMessages(kernel, query) }),
};
