/** What the address of the administration's pages says: the tab, and what each tab filters by. What makes no sense is as if it were not there. */
import { z } from "zod";

const text = z.coerce.string().optional().catch(undefined);

export const adminSearch = z.object({
  tab: text,
  kind: text,
  module: text,
  actor: text,
  type: text,
  correlation: text,
  entity: text,
  version: z.coerce.number().int().min(1).optional().catch(undefined),
  from: z.iso.datetime().optional().catch(undefined),
  to: z.iso.datetime().optional().catch(undefined),
  state: text,
  window: text,
  source: text,
  destination: text,
  queue: text,
  level: text,
  text,
  project: text,
});
export type AdminSearch = z.infer<typeof adminSearch>;

/** One of a list, or nothing. */
export const known = <T extends string>(all: readonly T[], one: string | undefined): T | undefined => all.find((each) => each === one);
