/** Routes of registered datasets. */
import type { Handlers } from "../../handler.ts";
import { nextCursor, readCursor } from "../../paging.ts";
import { deleteDataset, getDataset, listDatasets, registerDataset } from "./service.ts";

export const datasetRoutes: Handlers<"listDatasets" | "getDataset" | "registerDataset" | "deleteDataset"> = {
  async listDatasets(kernel, { query, grant }) {
    const { items, last } = await listDatasets(kernel, grant.visible, query.limit, readCursor(query.cursor, "time"));
    return { items, next: nextCursor(last) };
  },
  getDataset: (kernel, { params, grant }) => getDataset(kernel, grant.project!, params.id),
  registerDataset: (kernel, { body, context, grant }) => registerDataset(kernel, grant.project!, body, context),
  deleteDataset: async (kernel, { params, context, grant }) => void (await deleteDataset(kernel, grant.project!, params.id, context)),
};
