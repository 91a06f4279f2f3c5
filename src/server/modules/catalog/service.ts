/** The catalog as others see it: every entry with its parameter specs, and what goes with what. */
import { catalog } from "../../../catalog/index.ts";
import { fittingParams, lossesFor, optimizersFor, settledSteps, trainingParams } from "../../../catalog/run-settings.ts";
import type { CatalogEntry } from "../../../shared/api/schemas.ts";
import type { Head } from "../../../shared/define.ts";
import { fail } from "../../../shared/errors.ts";

type Kind = keyof typeof catalog;
const kinds = Object.keys(catalog) as Kind[];

/** What a kind of entry tells besides its head. */
const more: { readonly [K in Kind]?: (entry: (typeof catalog)[K][number]) => object } = {
  datasets: ({ tasks, suggestedModel, facts, preprocessing }) => ({ tasks, suggestedModel, ...facts, preprocessing: settledSteps(preprocessing) }),
  preprocessing: ({ of, computation, ...kind }) => ({ of, computation, ...("suits" in kind && { suits: kind.suits }) }),
  layers: ({ augments }) => ({ ...(augments && { augments }) }),
  models: (model) => ({ tasks: model.tasks, ...(model.of && { of: model.of }), losses: lossesFor(model), optimizers: optimizersFor(model) }),
  losses: ({ tasks }) => ({ tasks }),
  learners: ({ tasks, unit, missing }) => ({ tasks, unit, missing }),
  metrics: ({ tasks, better }) => ({ tasks, better }),
};

function present(kind: Kind, entry: Head): CatalogEntry {
  const { id, title, summary, reference, params } = entry;
  return { id, title, summary, reference, params, ...more[kind]?.(entry as never) } as CatalogEntry;
}

export const wholeCatalog = (): Record<string, CatalogEntry[]> => ({
  ...Object.fromEntries(kinds.map((kind) => [kind, catalog[kind].map((entry) => present(kind, entry))])),
  // What a training can be told besides its parts: an entry, so that a form is made of it as of any other.
  training: [{ id: "training", title: "Training", summary: "What a training can be told besides its parts.", params: trainingParams as never }],
  fitting: [{ id: "fitting", title: "Training", summary: "What the fit of a classical model can be told besides.", params: fittingParams as never }],
});

/** @throws NOT_FOUND */
export function catalogEntry(kind: string, id: string): CatalogEntry {
  const whole = wholeCatalog();
  const entry = Object.hasOwn(whole, kind) ? whole[kind]!.find((e) => e.id === id) : undefined;
  if (!entry) throw fail("NOT_FOUND", { what: "catalog entry", id: `${kind}/${id}` });
  return entry;
}
