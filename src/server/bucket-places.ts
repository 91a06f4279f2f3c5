/** Which buckets people may browse, as the configuration names them: `photos=s3://photos/2026,lab=/srv/lab:ro`. */
import { realpathSync } from "node:fs";
import { resolve, sep } from "node:path";
import { parseUrl } from "../storage/object-store.ts";

interface Named {
  /** What people call it. */
  readonly name: string;
  readonly readOnly: boolean;
}
export type BucketPlace = Named &
  (
    | {
        readonly kind: "s3";
        readonly bucket: string;
        /** Without slash at its end; or empty. */
        readonly prefix: string;
        readonly endpoint?: string;
        readonly region?: string;
        /** Of ~/.aws/credentials. */
        readonly profile?: string;
      }
    | { readonly kind: "files"; readonly directory: string }
  );

const options = ["endpoint", "region", "profile"] as const;

/** @returns nothing for what is no list of buckets, or names one twice */
export function readPlaces(text: string): readonly BucketPlace[] | undefined {
  const places = text
    .split(",")
    .map((one) => one.trim())
    .filter(Boolean)
    .map(readPlace);
  const names = new Set(places.map((place) => place?.name));
  return places.every((place) => place !== undefined) && names.size === places.length ? places : undefined;
}

function readPlace(text: string): BucketPlace | undefined {
  const [, name, where = "", ro] = /^([a-z0-9][a-z0-9._-]{0,62})=(.+?)(:ro)?$/.exec(text) ?? [];
  if (!name) return undefined;
  const named = { name, readOnly: ro !== undefined };
  if (where.startsWith("/")) return { ...named, kind: "files", directory: resolve(where) };
  const [address = "", query = ""] = where.split("?");
  const given = new URLSearchParams(query);
  const { endpoint, region, profile } = Object.fromEntries(given) as Partial<Record<(typeof options)[number], string>>;
  if ([...given.keys()].some((key) => !options.includes(key as never)) || (endpoint !== undefined && !isEndpoint(endpoint))) return undefined;
  try {
    return { ...named, kind: "s3", ...parseUrl(address), endpoint, region, profile };
  } catch {
    return undefined;
  }
}

/** Without credentials, which have their own places. */
const isEndpoint = (text: string): boolean => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url !== undefined && /^https?:$/.test(url.protocol) && !url.username && !url.password;
};

/** Where links lead, as far as there is something. */
const real = (path: string): string => {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
};
const within = (inner: string, outer: string, mark: string): boolean => outer === "" || inner === outer || inner.startsWith(outer + mark);

/** Whether what may be browsed, and deleted there, and what the platform keeps its own things in have a place in common. */
export function overlaps(place: BucketPlace, own: { readonly home: string; readonly store?: string; readonly endpoint?: string }): boolean {
  if (place.kind === "files") {
    const [folder, home] = [real(place.directory), real(own.home)];
    return within(folder, home, sep) || within(home, folder, sep) || folder === sep;
  }
  if (own.store === undefined || (place.endpoint ?? own.endpoint) !== own.endpoint) return false;
  const { bucket, prefix } = parseUrl(own.store);
  return bucket === place.bucket && (within(place.prefix, prefix, "/") || within(prefix, place.prefix, "/"));
}
