/** What a worker process is told by the server that starts it: the one place of the worker that reads the environment. */
import { z } from "zod";
import { fail } from "../shared/errors.ts";

export const workerConfig = z.strictObject({
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
});
/** The value of TRAINYARD_WORKER, as JSON. */
export type WorkerConfig = z.infer<typeof workerConfig>;

/** @throws BAD_CONFIG with every problem */
export function readConfig(): WorkerConfig {
  const parsed = z
    .string()
    .transform((text, context) => {
      try {
        return JSON.parse(text) as unknown;
      } catch {
        context.addIssue("is no JSON");
        return z.NEVER;
      }
    })
    .pipe(workerConfig)
    .safeParse(process.env.TRAINYARD_WORKER);
  if (parsed.success) return parsed.data;
  throw fail("BAD_CONFIG", { problems: parsed.error.issues.map(({ path, message }) => `${["TRAINYARD_WORKER", ...path].join(".")}: ${message}`) });
}
