/** Routes of buckets. */
import type { Handlers } from "../../handler.ts";
import { deleteObject, getObject, importObjects, listObjects, putObject } from "./service.ts";

export const bucketRoutes: Handlers<"listBuckets" | "listObjects" | "getObject" | "putObject" | "deleteObject" | "importObjects"> = {
  listBuckets: ({ buckets, config }) => ({ items: [...buckets.list], maxBytes: config.maxUpload }),
  listObjects: (kernel, { params, query }) => listObjects(kernel, params.bucket, query),
  getObject: (kernel, { params, query, range }) => getObject(kernel, params.bucket, query.name, range),
  putObject: (kernel, { params, query, upload, length, signal, context }) =>
    putObject(kernel, { bucket: params.bucket, name: query.name, replace: query.replace === "true" }, { upload: upload!, length, signal }, context),
  deleteObject: async (kernel, { params, query, context }) => void (await deleteObject(kernel, params.bucket, query.name, context)),
  importObjects: (kernel, { params, body, query, context }) => importObjects(kernel, params.bucket, body, query, context),
};
