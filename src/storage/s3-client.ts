/** The client of S3 that all of storage/ uses: how it finds credentials, how long it tries, what it says when it fails. */
import { S3Client } from "@aws-sdk/client-s3";
import { fail } from "../shared/errors.ts";

export interface S3ClientOptions {
  /** Of a server other than Amazon's, `http://host:port`. */
  readonly endpoint?: string;
  readonly region?: string;
  /** `endpoint/bucket/key` instead of `bucket.endpoint/key`; so when left out wherever there is an endpoint. */
  readonly forcePathStyle?: boolean;
  /** Where these are left out, the SDK looks in its usual places. */
  readonly accessKeyId?: string;
  readonly secretAccessKey?: string;
  readonly sessionToken?: string;
  /** Of ~/.aws/credentials and ~/.aws/config. */
  readonly profile?: string;
  /** How long the store may be away before a call fails; more than 0. */
  readonly patienceSeconds?: number;
}

/** Another write of the same key is on its way: both are to try again. */
export const conflicts: readonly string[] = ["ConditionalRequestConflict", "OperationAborted"];

/** How long a store may be away, in milliseconds. */
export const patienceOf = ({ patienceSeconds = 15 }: S3ClientOptions): number => 1000 * patienceSeconds;

/** @throws BAD_PARAMETER for half of a pair of credentials */
export function s3Client(options: S3ClientOptions): S3Client {
  const { endpoint, region, forcePathStyle, accessKeyId, secretAccessKey, sessionToken, profile } = options;
  if (!accessKeyId !== !secretAccessKey) {
    const got = accessKeyId ? "accessKeyId alone" : "secretAccessKey alone";
    throw fail("BAD_PARAMETER", { where: "the object store", name: "credentials", want: "accessKeyId and secretAccessKey together", got });
  }
  const patience = patienceOf(options);
  return new S3Client({
    endpoint,
    region: region ?? (endpoint && "us-east-1"),
    followRegionRedirects: true,
    forcePathStyle: forcePathStyle ?? endpoint !== undefined,
    credentials: accessKeyId && secretAccessKey ? { accessKeyId, secretAccessKey, sessionToken } : undefined,
    ...(profile && { profile }),
    // Other servers store the checksums that the SDK adds to a stream as part of the content.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    retryStrategy: retryUntil(patience),
    requestHandler: {
      connectionTimeout: Math.min(3000, patience),
      socketTimeout: patience,
      httpAgent: { maxSockets: 256 },
      httpsAgent: { maxSockets: 256 },
    },
  });
}

interface Attempt {
  readonly begunAt: number;
  readonly awaySince?: number;
  getRetryCount(): number;
  getRetryDelay(): number;
}

/**
 * Repeats a request, ever more slowly, until the store has been away for too long. All bodies are in memory, so any request can be repeated.
 * @param limit milliseconds
 */
function retryUntil(limit: number) {
  const attempt = (count: number, delay: number, awaySince?: number): Attempt => ({
    begunAt: Date.now() + delay,
    awaySince,
    getRetryCount: () => count,
    getRetryDelay: () => delay,
  });
  return {
    acquireInitialRetryToken: async () => attempt(0, 0),
    async refreshRetryTokenForRetry(last: Attempt, { error, errorType }: { error?: Error & { code?: string }; errorType: string }) {
      const again = errorType === "TRANSIENT" || errorType === "THROTTLING" || conflicts.includes(error?.name ?? "");
      // The SDK's own timeouts have no code. They come at the end of a silence, other errors at once.
      const silent = error?.name === "TimeoutError" && !error.code;
      const awaySince = last.awaySince ?? (silent ? last.begunAt : Date.now());
      const delay = Math.min(2000, 50 * 2 ** last.getRetryCount()) * (0.5 + Math.random() / 2);
      if (!again || Date.now() + delay - awaySince > limit) throw error;
      return attempt(last.getRetryCount() + 1, delay, awaySince);
    },
    recordSuccess() {},
  };
}

/** What an error of the SDK says. The error itself holds the request, whose signature would come into logs. */
export function plain(error: unknown): Error {
  const { name, message, code, stack } = error as Error & { code?: string };
  return Object.assign(new Error([code ?? name, message].filter(Boolean).join(": ")), { stack });
}
