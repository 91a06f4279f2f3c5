/** What someone fills in for a new run, and the request that it comes to. */
import type { CatalogEntry, Run, RunRequestBody } from "../shared/api/schemas.ts";
import type { Values } from "./components/ParamForm.tsx";

/** Parts of a request that are chosen from a list of the catalog, each with parameters of its own. */
export const parts = { dataset: "datasets", model: "models", loss: "losses", optimizer: "optimizers", schedule: "schedules" } as const;
export type Part = keyof typeof parts;

/** How long a network learns where nothing else is said: a word for the epochs. */
export const usualEpochs = "usual";

type Steps = NonNullable<RunRequestBody["preprocessing"]>;
export type Augmentation = NonNullable<RunRequestBody["augmentation"]>;

/** What was filled in so far. What is not there is left to the server. */
export interface Draft {
  readonly chosen: { readonly [P in Part]?: { readonly id: string; readonly params: Values } };
  readonly training: Values;
  /** Whether every setting is shown. */
  readonly expert: boolean;
  readonly steps?: Steps;
  readonly augmentation: Augmentation;
  /** For model "custom": JSON as it is typed. */
  readonly network: string;
  readonly name: string;
}
export const emptyDraft: Draft = { chosen: {}, training: {}, expert: false, augmentation: [], network: "", name: "" };

/** What an address asks for. */
export interface Arrival {
  readonly dataset?: string;
  readonly model?: string;
  /** Steps of preprocessing, as JSON. */
  readonly steps?: string;
}

/** The model whose network is given with the request. */
const CUSTOM = "custom";

/**
 * The request that a draft comes to. Classical models take no loss, optimizer, schedule, augmentation and epochs.
 * @param fitting of a classical model: the settings of a training that it takes
 */
export function requestOf(
  { chosen: { dataset, model, ...others }, training, steps, augmentation, network, name }: Draft,
  fitting?: readonly string[],
): RunRequestBody | undefined {
  if (!dataset) return undefined;
  const ofNetwork = { ...others, ...(augmentation.length && { augmentation }), ...(model?.id === CUSTOM && { network: jsonIn(network) }) };
  const { epochs = usualEpochs, ...rest } = training;
  const title = name.trim();
  return {
    ...(title && { name: title }),
    dataset,
    ...(model && { model }),
    ...(steps && { preprocessing: steps }),
    ...(fitting
      ? { training: Object.fromEntries(Object.entries(rest).filter(([key]) => fitting.includes(key))) }
      : { ...ofNetwork, training: { epochs, ...rest } }),
  };
}

/** What cannot be read as JSON goes as it is, and the server says what it wants. */
function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** What an address adds to a draft: other data begin a new one. The same draft where it adds nothing. */
export function arrived(draft: Draft, { dataset, model, steps }: Arrival): Draft {
  const isOther = dataset !== undefined && dataset !== draft.chosen.dataset?.id;
  const begun = isOther ? { ...emptyDraft, expert: draft.expert, chosen: { dataset: { id: dataset, params: {} } } } : draft;
  const asked = model === undefined || model === begun.chosen.model?.id ? begun : withChosen(begun, "model", model);
  const given = steps === undefined ? undefined : jsonIn(steps);
  return Array.isArray(given) ? { ...asked, expert: true, steps: given as Steps } : asked;
}

/** Another entry for a part, with its defaults; nothing: as the server suggests. Other data have other steps. */
export function withChosen(draft: Draft, part: Part, id: string | undefined): Draft {
  const { [part]: _, ...others } = draft.chosen;
  const chosen = id === undefined ? others : { ...others, [part]: { id, params: {} } };
  return { ...draft, chosen, ...(part === "dataset" && { steps: undefined, training: without(draft.training, "sampleWeights") }) };
}

const without = (values: Values, name: string): Values => Object.fromEntries(Object.entries(values).filter(([key]) => key !== name));

type Catalog = Readonly<Record<string, readonly CatalogEntry[]>>;

/** A run's settings, to be changed: what is as the catalog has it is left out. */
export function draftOf({ settings, source }: Pick<Run, "settings" | "source">, catalog: Catalog): Draft {
  const { dataset, model, loss, optimizer, schedule, preprocessing, augmentation = [], network, training } = settings;
  const changed = (list: readonly CatalogEntry[], { id, params }: { id: string; params: Values }) => {
    const entry = list.find((one) => one.id === id);
    const isOther = ([name, value]: [string, unknown]) => JSON.stringify(value) !== JSON.stringify(entry?.params[name]?.default);
    return { id, params: Object.fromEntries(Object.entries(params).filter(isOther)) };
  };
  const lists = { ...catalog, models: [...(catalog.models ?? []), ...(catalog.learners ?? [])] } as Catalog;
  const chosen = Object.entries({ model, loss, optimizer, schedule }).flatMap(([part, one]) =>
    one ? [[part, changed(lists[parts[part as Part]] ?? [], one)] as const] : [],
  );
  return {
    ...emptyDraft,
    expert: true,
    chosen: {
      dataset: source ? { id: `${source.name}@${source.version}`, params: {} } : changed(catalog.datasets ?? [], dataset),
      ...Object.fromEntries(chosen),
    },
    training: loss ? { ...changed(catalog.training ?? [], { id: "training", params: training }).params, epochs: training.epochs } : training,
    ...(preprocessing && { steps: preprocessing.map(({ step, params }) => ({ step, params })) }),
    augmentation: augmentation.map(({ layer, params }) => ({ layer, params })),
    network: network === undefined ? "" : JSON.stringify(network, null, 2),
  };
}

/** A layer of augmentation switched on or off, or told other parameters; in the order of the catalog. */
export function withLayer(list: Augmentation, layer: string, params: Values | undefined, order: readonly string[]): Augmentation {
  const others = list.filter((one) => one.layer !== layer);
  const all = params ? [...others, { layer, params }] : others;
  return all.sort((a, b) => order.indexOf(a.layer) - order.indexOf(b.layer));
}
