/** Routes of the catalog. */
import type { Handlers } from "../../handler.ts";
import { catalogEntry, wholeCatalog } from "./service.ts";

export const catalogRoutes: Handlers<"getCatalog" | "getCatalogEntry"> = {
  getCatalog: () => wholeCatalog(),
  getCatalogEntry: (_, { params }) => catalogEntry(params.kind, params.id),
};
