/** Routes of registered datasets. */
import { compareProfiles } from "../../../data/compare.ts";
import type { Asked, Handlers } from "../../handler.ts";
import { nextCursor, readCursor } from "../../paging.ts";
import { sendBlob } from "../artifacts/routes.ts";
import { listRecords, pictureOf } from "./records.ts";
import {
  deleteDataset,
  describeDataset,
  findFile,
  getDataset,
  getPreview,
  getProfile,
  importDataset,
  listDatasets,
  registerDataset,
  showSteps,
} from "./service.ts";

/** Which dataset, where names mean something. */
const which = ({ grant, params }: Pick<Asked<"getDataset">, "grant" | "params">) => [grant.project!, params.id] as const;

export const datasetRoutes: Handlers<
  | "listDatasets"
  | "getDataset"
  | "registerDataset"
  | "importDataset"
  | "editDataset"
  | "getPreview"
  | "getProfile"
  | "compareDatasets"
  | "listRecords"
  | "getPicture"
  | "previewSteps"
  | "getDatasetFile"
  | "deleteDataset"
> = {
  async listDatasets(kernel, { query, grant }) {
    const { name, limit } = query;
    const { items, last } = await listDatasets(kernel, { visible: grant.visible, name, limit }, readCursor(query.cursor, "time"));
    return { items, next: nextCursor(last) };
  },
  getDataset: (kernel, asked) => getDataset(kernel, ...which(asked)),
  registerDataset: (kernel, { body, context, grant }) => registerDataset(kernel, grant.project!, body, context),
  importDataset: (kernel, asked) => importDataset(kernel, ...which(asked), asked.body.params, asked.context),
  editDataset: (kernel, asked) => describeDataset(kernel, ...which(asked), asked.body.note, asked.context),
  getPreview: (kernel, asked) => getPreview(kernel, ...which(asked)),
  getProfile: (kernel, asked) => getProfile(kernel, ...which(asked)),
  listRecords: (kernel, asked) => listRecords(kernel, ...which(asked), asked.query, asked.signal),
  getPicture: (kernel, asked) => pictureOf(kernel, ...which(asked), asked.params, asked.query.most),
  previewSteps: (kernel, asked) => showSteps(kernel, ...which(asked), asked.body, asked.signal),
  async compareDatasets(kernel, asked) {
    const [project, base] = which(asked);
    return compareProfiles(await getProfile(kernel, project, base), await getProfile(kernel, project, asked.params.other));
  },
  async getDatasetFile(kernel, asked) {
    const { name, sha256 } = await findFile(kernel, ...which(asked), asked.params.sha256);
    return sendBlob(kernel, sha256, name, asked.range);
  },
  deleteDataset: async (kernel, asked) => void (await deleteDataset(kernel, ...which(asked), asked.context)),
};
