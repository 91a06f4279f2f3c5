/** What the project "cluster" of the tests stands on: one PostgreSQL and one S3 server, started before its first file and gone after its last. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { available, startPostgres } from "./postgres-server.ts";
import { S3Server } from "./s3-server.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** What the server's tests run on: the name of the project. */
    backend: "embedded" | "cluster";
    /** Of the project "cluster". */
    cluster?: { readonly postgresPort: number; readonly s3: string; readonly bucket: string };
  }
}

export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  if (!available) return undefined;
  const folder = mkdtempSync(join(tmpdir(), "trainyard-s3-"));
  const [postgres, s3] = await Promise.all([startPostgres(), S3Server.s3rver(folder).start()]);
  project.provide("cluster", { postgresPort: postgres.port, s3: s3.endpoint, bucket: s3.bucket });
  return async () => {
    await Promise.all([postgres.close(), s3.kill()]);
    rmSync(folder, { recursive: true });
  };
}
