/** The storage library's one door, `trainyard/storage` from outside: object stores of files and of S3, and buckets as people use them. */
export { type BucketObject, isSame, S3Bucket, type TransferOptions } from "./bucket.ts";
export type { ByteRange, Bytes } from "./bytes.ts";
export { inParallel } from "./in-parallel.ts";
export { type ObjectInfo, type ObjectStore, openStore, type PutOptions, type StoreOptions } from "./object-store.ts";
export type { S3ClientOptions } from "./s3-client.ts";
