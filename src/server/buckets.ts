/** The buckets of the configuration, each opened when it is first asked for. Nobody names another: addresses never come from requests. */
import { fail } from "../shared/errors.ts";
import type { BrowsedBucket } from "../storage/browse.ts";
import { FolderBucket } from "../storage/folder-bucket.ts";
import type { BucketPlace } from "./bucket-places.ts";
import type { Config } from "./config.ts";

export class Buckets {
  readonly #places: readonly BucketPlace[];
  readonly #s3: Config["s3"];
  readonly #open = new Map<string, Promise<BrowsedBucket>>();

  constructor({ buckets, s3 }: Pick<Config, "buckets" | "s3">) {
    this.#places = buckets;
    this.#s3 = s3;
  }

  /** For people: what each is called, and where it lies. */
  get list(): readonly { name: string; kind: BucketPlace["kind"]; place: string; readOnly: boolean }[] {
    return this.#places.map((place) => ({
      name: place.name,
      kind: place.kind,
      place: place.kind === "files" ? place.directory : `s3://${place.bucket}${place.prefix && `/${place.prefix}`}`,
      readOnly: place.readOnly,
    }));
  }

  /** @throws NOT_FOUND, STORE_UNAVAILABLE */
  reading(name: string): Promise<BrowsedBucket> {
    const place = this.#find(name);
    let bucket = this.#open.get(name);
    if (!bucket) {
      bucket = this.#openPlace(place);
      this.#open.set(name, bucket);
      bucket.catch(() => this.#open.delete(name)); // a folder may be mounted later
    }
    return bucket;
  }

  /** @throws BUCKET_READ_ONLY too */
  async writing(name: string): Promise<BrowsedBucket> {
    if (this.#find(name).readOnly) throw fail("BUCKET_READ_ONLY", { bucket: name });
    return this.reading(name);
  }

  async close(): Promise<void> {
    for (const bucket of this.#open.values())
      await bucket.then(
        (one) => one.close(),
        () => {},
      );
  }

  #find(name: string): BucketPlace {
    const place = this.#places.find((one) => one.name === name);
    if (!place) throw fail("NOT_FOUND", { what: "bucket", id: name });
    return place;
  }

  async #openPlace(place: BucketPlace): Promise<BrowsedBucket> {
    if (place.kind === "files") return FolderBucket.open(place.directory);
    const { bucket, prefix, endpoint, region, profile } = place;
    const { BrowsedS3, S3Bucket } = await import("../storage/bucket.ts"); // the SDK takes its time to load
    return new BrowsedS3(new S3Bucket(bucket, { ...this.#s3, ...(endpoint && { endpoint }), region, profile }), prefix && `${prefix}/`);
  }
}
