/** Who talks to whom, as a picture: clients, modules, queues and workers in columns, and what goes between them. */
import { endpoints } from "../shared/api/endpoints.ts";
import type { ExchangeCount } from "../shared/api/schemas.ts";

/** What modules call their refusals. */
const refusals: ReadonlySet<string> = new Set(Object.values(endpoints).flatMap((one) => ("exchange" in one ? [one.exchange.refused] : [])));
export const isRefusal = (payload: string): boolean => refusals.has(payload);

export interface Edge {
  readonly from: string;
  readonly to: string;
  readonly async: boolean;
  readonly count: number;
  readonly errors: number;
  /** What finds its records: a sync one has no queue, an async one the queue at one of its ends. */
  readonly source?: string;
  readonly destination?: string;
  readonly queue?: string;
}

/** What goes through a queue is two edges: into it and out of it. */
export function edgesOf(counts: readonly ExchangeCount[]): Edge[] {
  const edges = new Map<string, Edge>();
  for (const { source, destination, aggregator, mode, payload, count } of counts) {
    const parts: Pick<Edge, "from" | "to" | "source" | "destination" | "queue">[] =
      mode === "sync"
        ? [{ from: source, to: destination, source, destination }]
        : [
            { from: source, to: aggregator, source, queue: aggregator },
            { from: aggregator, to: destination, destination, queue: aggregator },
          ];
    for (const part of parts) {
      const key = `${part.from} ${part.to} ${mode}`;
      const before = edges.get(key);
      edges.set(key, {
        ...part,
        async: mode === "async",
        count: (before?.count ?? 0) + count,
        errors: (before?.errors ?? 0) + (isRefusal(payload) ? count : 0),
      });
    }
  }
  return [...edges.values()];
}

const ROW_GAP = 22;
const PORT = 20;
const columns = [
  { x: 0, width: 76 },
  { x: 236, width: 104 },
  { x: 520, width: 132 },
  { x: 812, width: 76 },
] as const;
const WIDTH = columns[3].x + columns[3].width;

export interface PlacedNode {
  readonly name: string;
  readonly isQueue: boolean;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}
export interface PlacedEdge extends Edge {
  /** Of an SVG path. */
  readonly path: string;
  /** Where its label begins, or ends. */
  readonly label: { readonly x: number; readonly y: number; readonly anchor: "start" | "end" };
}
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly nodes: readonly PlacedNode[];
  readonly edges: readonly PlacedEdge[];
}

/** Each edge has a place of its own where it leaves and where it arrives, so that no two labels meet. */
export function picture(edges: readonly Edge[]): Picture {
  const queues = new Set(edges.flatMap(({ queue }) => queue ?? []));
  const columnOf = (name: string): number => (name === "client" ? 0 : queues.has(name) ? 2 : name === "worker" ? 3 : 1);
  const names = [...new Set(edges.flatMap(({ from, to }) => [from, to]))].sort();
  const order = new Map(names.map((name, i) => [name, i]));
  /** Edges at a side of a node, from top to bottom. */
  const ports = (name: string, side: "left" | "right") =>
    edges
      .filter(({ from, to }) => {
        if (from !== name && to !== name) return false;
        const other = from === name ? to : from;
        const ahead = columnOf(other) > columnOf(name) || (columnOf(other) === columnOf(name) && from === name);
        return ahead === (side === "right");
      })
      .sort((a, b) => order.get(a.from === name ? a.to : a.from)! - order.get(b.from === name ? b.to : b.from)! || (a.from === name ? -1 : 1));
  const sides = new Map(names.map((name) => [name, { left: ports(name, "left"), right: ports(name, "right") }]));
  const heightOf = (name: string): number => PORT * (Math.max(sides.get(name)!.left.length, sides.get(name)!.right.length, 1) + 0.6);
  const stacks = columns.map((_, column) => names.filter((name) => columnOf(name) === column));
  const stackHeight = (stack: readonly string[]): number => stack.reduce((sum, name) => sum + heightOf(name) + ROW_GAP, -ROW_GAP);
  const height = Math.max(0, ...stacks.map(stackHeight)) + 2 * ROW_GAP;
  const nodes = stacks.flatMap((stack, column) => {
    let y = (height - stackHeight(stack)) / 2;
    return stack.map((name): PlacedNode => {
      const node = { name, isQueue: queues.has(name), ...columns[column]!, y, height: heightOf(name) };
      y += node.height + ROW_GAP;
      return node;
    });
  });
  const placed = new Map(nodes.map((node) => [node.name, node]));
  /** Where an edge touches a node. */
  const end = (name: string, edge: Edge) => {
    const node = placed.get(name)!;
    const { left, right } = sides.get(name)!;
    const side = left.includes(edge) ? left : right;
    const y = node.y + node.height / 2 + PORT * (side.indexOf(edge) - (side.length - 1) / 2);
    return side === left ? { x: node.x, y, away: -1 } : { x: node.x + node.width, y, away: 1 };
  };
  return {
    width: WIDTH,
    height,
    nodes,
    edges: edges.map((edge) => {
      const [a, b] = [end(edge.from, edge), end(edge.to, edge)];
      const bend = Math.max(40, Math.abs(b.x - a.x) / 2);
      const path = `M${a.x} ${a.y}C${a.x + a.away * bend} ${a.y} ${b.x + b.away * bend} ${b.y} ${b.x} ${b.y}`;
      // At the end that has the fewest neighbours: a module, else the queue.
      const at = columnOf(edge.from) === 1 || columnOf(edge.to) !== 1 ? (columnOf(edge.from) === 3 ? b : a) : b;
      return { ...edge, path, label: { x: at.x + 8 * at.away, y: at.y - 4, anchor: at.away > 0 ? "start" : "end" } };
    }),
  };
}
