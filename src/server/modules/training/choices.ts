/** What goes with what: of each part of a request the entries that could be chosen there, and why others cannot. */
import { setImmediate } from "node:timers/promises";
import { catalog } from "../../../catalog/index.ts";
import { choices as parts } from "../../../catalog/run-settings.ts";
import type { Choice, ChoicesView } from "../../../shared/api/schemas.ts";
import type { Problem } from "../../../shared/errors.ts";
import type { Kernel } from "../../kernel.ts";
import { type Body, judge, judgeWith } from "./check.ts";

/**
 * Each entry is put in the place of the one chosen, and the request judged again: what is refused then is refused here, in the same words.
 * @param project where a dataset's name means something
 */
export async function choicesFor(kernel: Kernel, project: string | undefined, body: unknown): Promise<ChoicesView> {
  const { request, data } = await judge(kernel, project, body);
  const why = async (part: string, changed: Partial<Body>): Promise<Problem | undefined> => {
    await setImmediate(); // a network was built
    return judgeWith(changed, data).problems.find(({ path }) => path.split(".")[0] === part);
  };
  const { loss, optimizer, schedule, network, augmentation, training, ...rest } = request;
  /** The request with another entry; a model comes with nothing that was chosen for another one. */
  const changes: Readonly<Record<keyof ChoicesView, (id: string) => Partial<Body>>> = {
    model: (id) => ({ ...rest, model: { id } }),
    loss: (id) => ({ ...request, loss: { id } }),
    optimizer: (id) => ({ ...request, optimizer: { id } }),
    schedule: (id) => ({ ...request, schedule: { id } }),
    augmentation: (id) => ({ ...request, augmentation: [{ layer: id }] }),
  };
  const entries = {
    model: parts.model.entries,
    loss: parts.loss.entries,
    optimizer: parts.optimizer.entries,
    schedule: parts.schedule.entries,
    augmentation: catalog.layers.filter(({ augments }) => augments),
  };
  const view: Partial<Record<keyof ChoicesView, Choice[]>> = {};
  for (const part of Object.keys(changes) as (keyof ChoicesView)[]) {
    view[part] = [];
    for (const { id } of entries[part]) {
      const problem = await why(part, changes[part](id));
      view[part].push({ id, ...(problem && { why: problem.message }) });
    }
  }
  return view as ChoicesView;
}
