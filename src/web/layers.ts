/** The layers of the network of a run. */
import type { Run } from "../shared/api/schemas.ts";

/** As the engine measured it. */
export interface Layer {
  readonly id: string;
  readonly layer: string;
  readonly inputs: readonly string[];
  readonly outputShape: readonly number[];
  readonly parameters: number;
  readonly flops: number;
  /** As the description of the network has them. */
  readonly params: Readonly<Record<string, unknown>>;
}

/** None of a classical model, and before the training was prepared. */
export function layersOf({ facts }: Pick<Run, "facts">): Layer[] {
  const described = ((facts?.network ?? {}) as { layers?: { id: string; params?: Layer["params"] }[] }).layers ?? [];
  const params = new Map(described.map(({ id, params = {} }) => [id, params]));
  return (facts?.layers ?? []).map((layer) => ({ ...(layer as unknown as Layer), params: params.get(String(layer.id)) ?? {} }));
}
