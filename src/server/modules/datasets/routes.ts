/** Routes of registered datasets. */
import type { Handlers } from "../../handler.ts";
import { nextCursor, readCursor } from "../../paging.ts";
import { deleteDataset, getDataset, listDatasets, registerDataset } from "./service.ts";

export const datasetRoutes: Handlers<"listDatasets" | "getDataset" | "registerDataset" | "deleteDataset"> = {
  async listDatasets(kernel, { query }) {
    const { items, last } = await listDatasets(kernel, query.limit, readCursor(query.cursor, "time"));
    return { items, next: nextCursor(last) };
  },
  getDataset: (kernel, { params }) => getDataset(kernel, params.id),
  registerDataset: (kernel, { body, context }) => registerDataset(kernel, body, context),
  deleteDataset: async (kernel, { params, context }) => void (await deleteDataset(kernel, params.id, context)),
};
