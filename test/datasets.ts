/** Datasets as a training sees them, for tests that compare with their rows. */
import { loadDataset } from "../src/catalog/assemble.ts";
import { type NetworkSettings, ofLearner, type RunRequest, type RunSettings, resolveSettings } from "../src/catalog/run-settings.ts";
import type { Dataset } from "../src/shared/dataset.ts";

/** @example const { test: held } = await loaded("iris"); */
export const loaded = (id: string, more: Omit<RunRequest, "dataset"> & { params?: Readonly<Record<string, unknown>> } = {}): Promise<Dataset> => {
  const { params, ...rest } = more;
  return loadDataset(resolveSettings({ dataset: { id, params }, ...rest }));
};

/** The settings, which must be those of a network. */
export function ofNetwork(settings: RunSettings): NetworkSettings {
  if (ofLearner(settings)) throw new Error(`model "${settings.model.id}" is no network`);
  return settings;
}
