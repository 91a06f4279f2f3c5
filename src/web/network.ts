/** Where each layer of a network lies in a picture: ranks from top to bottom, as the data flows. */
import { Graph, layout } from "@dagrejs/dagre";
import type { Layer } from "./layers.ts";

/** What all networks begin with: the sample. */
export const INPUT = "input";
/** Of a box, in units of the picture. */
export const BOX = { width: 190, height: 58 } as const;

export interface Picture {
  readonly width: number;
  readonly height: number;
  /** Centre of each box, by layer. */
  readonly boxes: ReadonlyMap<string, { readonly x: number; readonly y: number }>;
  readonly edges: readonly { readonly from: string; readonly to: string; readonly points: readonly { readonly x: number; readonly y: number }[] }[];
}

export function drawn(layers: readonly Pick<Layer, "id" | "inputs">[]): Picture {
  const graph = new Graph();
  graph.setGraph({ rankdir: "TB", nodesep: 30, ranksep: 36, marginx: 20, marginy: 20 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const id of [INPUT, ...layers.map(({ id }) => id)]) graph.setNode(id, { ...BOX });
  for (const { id, inputs } of layers) for (const from of inputs) graph.setEdge(from, id);
  layout(graph);
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  const boxes = graph.nodes().map((id): [string, { x: number; y: number }] => {
    const { x, y } = graph.node(id) as { x: number; y: number };
    return [id, { x, y }];
  });
  const edges = graph.edges().map(({ v, w }) => ({ from: v, to: w, points: (graph.edge(v, w) as { points: { x: number; y: number }[] }).points }));
  return { width, height, boxes: new Map(boxes), edges };
}
