/** A queue that gives the item of the highest rank first. */
export interface Heap {
  readonly items: readonly number[];
  push(item: number, rank: number): void;
  pop(): number;
}

export function heap(): Heap {
  const [items, ranks]: [number[], number[]] = [[], []];
  const put = (at: number, item: number, rank: number) => {
    items[at] = item;
    ranks[at] = rank;
  };
  return {
    items,
    push(item, rank) {
      let at = items.length;
      for (let above = (at - 1) >> 1; at > 0 && ranks[above]! < rank; above = (at - 1) >> 1) {
        put(at, items[above]!, ranks[above]!);
        at = above;
      }
      put(at, item, rank);
    },
    pop() {
      const first = items[0]!;
      const [item, rank] = [items.pop()!, ranks.pop()!];
      let at = 0;
      for (let below = 1; below < items.length; below = 2 * at + 1) {
        if (below + 1 < items.length && ranks[below + 1]! > ranks[below]!) below++;
        if (ranks[below]! <= rank) break;
        put(at, items[below]!, ranks[below]!);
        at = below;
      }
      if (items.length) put(at, item, rank);
      return first;
    },
  };
}
