/** Runs s3rver, mended where it is unlike S3: `node --openssl-legacy-provider test/s3rver.mjs <folder> <port> <bucket>`. Ends with its standard input. */
import { createHash, randomUUID } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import S3rver from "s3rver";
import S3Error from "s3rver/lib/models/error.js";
import FilesystemStore from "s3rver/lib/stores/filesystem.js";

/** Writes a file whole, or not at all when the client goes away or this process is killed. */
async function receive(content, path) {
  const partial = join(root, `.partial-${randomUUID()}`);
  const md5 = createHash("md5");
  let size = 0;
  const count = new Transform({
    transform(chunk, _, done) {
      md5.update(chunk);
      size += chunk.length;
      done(null, chunk);
    },
  });
  await mkdir(dirname(path), { recursive: true });
  try {
    await pipeline(Buffer.isBuffer(content) ? [content] : content, count, createWriteStream(partial));
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
  return { size, md5: md5.digest("hex"), place: () => rename(partial, path) };
}

class Store extends FilesystemStore {
  // s3rver answers before the file is written, and shows half of it when it is killed.
  async putObject({ bucket, key, content, metadata }) {
    const { size, md5, place } = await receive(content, this.getResourcePath(bucket, key, "object"));
    await this.putMetadata(bucket, key, metadata, md5);
    await place();
    return { size, md5 };
  }

  async putPart(bucket, uploadId, number, content) {
    const path = join(this.uploads(bucket), uploadId, `${number}`);
    if (!(await stat(dirname(path)).catch(() => undefined))) throw new S3Error("NoSuchUpload", "The specified upload does not exist.");
    const { size, md5, place } = await receive(content, path);
    await place();
    await writeFile(`${path}.md5`, md5);
    return { size, md5 };
  }

  async putObjectMultipart(bucket, uploadId, parts) {
    if (!(await stat(join(this.uploads(bucket), uploadId)).catch(() => undefined))) {
      throw new S3Error("NoSuchUpload", "The specified upload does not exist.");
    }
    return super.putObjectMultipart(bucket, uploadId, parts);
  }

  // s3rver lists folder by folder, which is not the order of the keys, and pages rely on that.
  async listObjects(bucket, { prefix = "", startAfter = "", maxKeys, delimiter }) {
    const suffix = "._S3rver_object";
    const files = await readdir(join(root, bucket), { recursive: true });
    const keys = files
      .filter((file) => file.endsWith(suffix))
      .map((file) => file.slice(0, -suffix.length))
      .filter((key) => key.startsWith(prefix) && key > startAfter);
    // A name that goes on behind a delimiter counts as the folder, once.
    const folderOf = (key) => {
      const end = delimiter ? key.indexOf(delimiter, prefix.length) : -1;
      return end < 0 ? undefined : key.slice(0, end + delimiter.length);
    };
    const all = [...new Set(keys.map((key) => folderOf(key) ?? key))].sort();
    const shown = all.slice(0, maxKeys);
    const isFolder = (entry) => keys.some((key) => folderOf(key) === entry);
    const commonPrefixes = delimiter ? shown.filter(isFolder) : [];
    const objects = shown
      .filter((entry) => !commonPrefixes.includes(entry))
      .map(async (key) => ({ key, metadata: await this.getMetadata(bucket, key) }));
    return {
      objects: (await Promise.all(objects)).map(({ key, metadata }) => ({
        key,
        metadata,
        size: metadata["content-length"],
        lastModifiedDate: new Date(metadata["last-modified"]),
      })),
      commonPrefixes,
      isTruncated: all.length > maxKeys,
    };
  }

  uploads(bucket) {
    return this.getResourcePath(bucket, undefined, "uploads");
  }
}

/** s3rver can neither list nor abort uploads in parts. */
async function unfinishedUploads(ctx, next) {
  const [, bucket, ...key] = ctx.path.split("/");
  const folder = app.store.uploads(bucket);
  if (ctx.method === "DELETE" && ctx.query.uploadId) {
    await rm(join(folder, basename(ctx.query.uploadId)), { recursive: true, force: true });
    ctx.status = 204;
  } else if (ctx.method === "GET" && "uploads" in ctx.query && key.join("") === "") {
    const ids = await readdir(folder).catch(() => []);
    const uploads = ids.map(async (UploadId) => ({
      Key: await readFile(join(folder, UploadId, "key"), "utf8"),
      UploadId,
      Initiated: (await stat(join(folder, UploadId, "key"))).mtime.toISOString(),
    }));
    const Upload = (await Promise.all(uploads)).filter(({ Key }) => Key.startsWith(ctx.query.prefix ?? ""));
    ctx.body = { ListMultipartUploadsResult: { Bucket: bucket, IsTruncated: false, Upload } };
  } else await next();
}

const busy = new Set();
/** S3 enforces `If-None-Match: *` on writes; s3rver overlooks it. */
async function onlyIfAbsent(ctx, next) {
  if (!["PUT", "POST"].includes(ctx.method) || ctx.get("if-none-match") !== "*") return next();
  const [, bucket, ...key] = decodeURIComponent(ctx.path).split("/");
  if (busy.has(ctx.path)) throw new S3Error("OperationAborted", "Another write of this key is in progress.");
  busy.add(ctx.path);
  try {
    if (await app.store.existsObject(bucket, key.join("/"))) throw new S3Error("PreconditionFailed", "The object exists.");
    await next();
  } finally {
    busy.delete(ctx.path);
  }
}

const [root, port, bucket] = process.argv.slice(2);
const app = new S3rver({
  address: "127.0.0.1",
  port: Number(port),
  directory: root,
  silent: true,
  vhostBuckets: false,
  configureBuckets: [{ name: bucket }],
});
app.store = app.context.store = new Store(root);
app.middleware.splice(-1, 0, unfinishedUploads, onlyIfAbsent); // before the routes
const address = await app.run();
console.log(`listening on ${address.port}`);
process.stdin.resume().on("end", () => process.exit());
