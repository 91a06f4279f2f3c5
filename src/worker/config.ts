/** What a worker process is told by the server that starts it. The one place of the worker that reads the environment. */
import { z } from "zod";
import { harmlessOf } from "../shared/child.ts";
import { fail } from "../shared/errors.ts";

/** What the process of a job may take; where nothing is said, as long as it likes. */
const jobLimits = z.strictObject({
  /** MiB, native memory included. */
  memory: z.int().min(1),
  seconds: z.strictObject({
    train: z.number().positive().optional(),
    evaluate: z.number().positive().optional(),
    ingest: z.number().positive().optional(),
  }),
});
export type JobLimits = z.infer<typeof jobLimits>;

const workerConfig = z.strictObject({
  /** Of the server. */
  url: z.url(),
  token: z.string().min(1),
  /** By which the server knows whose jobs to give to others when this process is gone. */
  id: z.uuid(),
  name: z.string(),
  labels: z.array(z.string()),
  slots: z.int().min(1),
  cacheDirectory: z.string().min(1),
  threads: z.int().min(1).optional(),
  limits: jobLimits,
});
/** The first message to a worker process. */
export type WorkerConfig = z.infer<typeof workerConfig>;

/** @throws BAD_CONFIG with every problem */
export function readConfig(message: unknown): WorkerConfig {
  const parsed = workerConfig.safeParse(message);
  if (parsed.success) return parsed.data;
  throw fail("BAD_CONFIG", { problems: parsed.error.issues.map(({ path, message }) => `${["worker", ...path].join(".")}: ${message}`) });
}

/** The folder whose files add to the catalog. */
export const extensions = process.env.TRAINYARD_EXTENSIONS || undefined;

/** What the processes of jobs may know of the environment. */
export const childEnvironment = (): Record<string, string> => harmlessOf(process.env);
