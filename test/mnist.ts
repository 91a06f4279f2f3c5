/** The excerpt of MNIST, ready for a network. */
import { loadDataset } from "../src/catalog/assemble.ts";
import { resolveSettings } from "../src/catalog/run-settings.ts";
import type { Dataset } from "../src/shared/dataset.ts";

export const mnistExcerpt = (): Promise<Dataset> => loadDataset(resolveSettings({ dataset: { id: "mnist" }, path: "test/data/mnist" }));
