/** Plans for tests, compiled from catalog entries with their default parameters, and the tensors to feed them with. */
import { catalog } from "../../src/catalog/index.ts";
import { arrayOf, type Graph, sizeOf, type Tensor } from "../../src/engine/graph.ts";
import type { ModelKind, NetworkDescription, OptimizerKind } from "../../src/engine/kinds.ts";
import { checkNetwork } from "../../src/engine/network.ts";
import { compilePlan, type Plan, type PlanOptions, type StateTensor } from "../../src/engine/training-plan.ts";
import { type Params, type ParamValues, resolveParams } from "../../src/shared/define.ts";

const find = <T extends { readonly id: string }>(list: readonly T[], id: string): T => list.find((entry) => entry.id === id)!;
const defaults = (params: Params): ParamValues => resolveParams("test", params);

/** The network of a model of the catalog. */
export function modelNetwork(id: string, sampleShape: readonly number[], outputs: number, params: ParamValues = {}): NetworkDescription {
  const model = find<ModelKind>(catalog.models, id);
  return model.network(sampleShape, outputs, resolveParams("test", model.params, params));
}

type Choices = Partial<Omit<PlanOptions, "optimizer">> & { readonly optimizer?: string };

export function planOptions(
  description: NetworkDescription,
  sampleShape: readonly number[],
  outputs: number,
  { optimizer = "adam", ...choices }: Choices = {},
): PlanOptions {
  const loss = find(catalog.losses, outputs > 1 ? "cross-entropy" : "mean-squared-error");
  return {
    network: checkNetwork(description, catalog.layers, sampleShape),
    task: outputs > 1 ? "classification" : "regression",
    loss,
    lossParams: defaults(loss.params),
    optimizer: find(catalog.optimizers, optimizer),
    batchSize: 4,
    inputDType: "uint8",
    normalisation: { mean: [0], deviation: [255] },
    labels: outputs > 1 ? Array.from({ length: outputs }, (_, i) => `${i}`) : [],
    ...choices,
  };
}

export const planOf = (...args: Parameters<typeof planOptions>): Plan => compilePlan(planOptions(...args));

/** An optimizer's learning rate, and its other parameters by the names of a plan's inputs. */
export function hyperparameters(optimizer: string, params: Readonly<Record<string, unknown>> = {}) {
  const { learningRate, ...others } = resolveParams("test", find<OptimizerKind>(catalog.optimizers, optimizer).params, params);
  return {
    learningRate: learningRate as number,
    hyper: Object.fromEntries(Object.entries(others).map(([name, value]) => [`optimizer.${name}`, [value as number]])),
  };
}

type Numbers = ArrayLike<number>;

/** The state tensors of a plan at the start: weights from `weight`, the others as the plan says. */
export function initialState(plan: Plan, weight: (name: string, shape: readonly number[]) => Numbers): Record<string, Numbers> {
  const fill = ({ name, shape, initial, role }: StateTensor) =>
    role === "weight" ? weight(name, shape) : new Float32Array(sizeOf(shape)).fill(initial.constant ?? 0);
  return Object.fromEntries(plan.spec.state.map((s) => [s.name, fill(s)]));
}

/** What a graph takes of `values`, as tensors of the dtypes and shapes it wants; the lengths it leaves open follow from the data. */
export function feeds(graph: Graph, values: Readonly<Record<string, Numbers>>): Record<string, Tensor> {
  return Object.fromEntries(
    graph.inputs.map(({ dtype, shape, node }) => {
      const name = node.attributes.name as string;
      if (dtype === "string") throw new Error(`${name} is text`);
      const numbers = values[name]!;
      const rest = shape.reduce<number>((n, d) => (typeof d === "number" ? n * d : n), 1);
      const data = dtype === "int64" ? BigInt64Array.from(Array.from(numbers, BigInt)) : arrayOf[dtype].from(numbers);
      return [name, { dtype, shape: shape.map((d) => (typeof d === "number" ? d : numbers.length / rest)), data }];
    }),
  );
}
