/** Plans for tests, compiled from catalog entries with their default parameters, and the tensors to feed them with. */
import { catalog } from "../../src/catalog/index.ts";
import type { ModelKind, NetworkDescription } from "../../src/engine/kinds.ts";
import { checkNetwork } from "../../src/engine/network.ts";
import { compilePlan, type Plan, type PlanOptions } from "../../src/engine/training-plan.ts";
import { type Params, type ParamValues, resolveParams } from "../../src/shared/define.ts";

const find = <T extends { readonly id: string }>(list: readonly T[], id: string): T => list.find((entry) => entry.id === id)!;
const defaults = (params: Params): ParamValues => resolveParams("test", params);

/** The network of a model of the catalog. */
export function modelNetwork(id: string, sampleShape: readonly number[], outputs: number, params: ParamValues = {}): NetworkDescription {
  const model = find<ModelKind>(catalog.models, id);
  return model.network(sampleShape, outputs, resolveParams("test", model.params, params));
}

export function planOf(
  description: NetworkDescription,
  sampleShape: readonly number[],
  outputs: number,
  { optimizer = "adam", ...options }: Partial<Omit<PlanOptions, "optimizer">> & { optimizer?: string } = {},
): Plan {
  const loss = find(catalog.losses, outputs > 1 ? "cross-entropy" : "mean-squared-error");
  return compilePlan({
    network: checkNetwork(description, catalog.layers, sampleShape),
    task: outputs > 1 ? "classification" : "regression",
    loss,
    lossParams: defaults(loss.params),
    optimizer: find(catalog.optimizers, optimizer),
    batchSize: 4,
    inputDType: "uint8",
    normalisation: { mean: [0], deviation: [255] },
    labels: outputs > 1 ? Array.from({ length: outputs }, (_, i) => `${i}`) : [],
    ...options,
  });
}
