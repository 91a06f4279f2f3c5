/** Grows trees, several at once where that is worth threads, and keeps them in the order of their numbers. */
import { setTimeout as sleep } from "node:timers/promises";
import type { FitContext, FitData, FitProgress, Learnt } from "../kinds.ts";
import { shared, Threads } from "../threads.ts";
import { columnsOf } from "./columns.ts";
import { grower, type Plan } from "./grow.ts";
import type { Tree } from "./nodes.ts";
import { outOfBag } from "./out-of-bag.ts";
import { fromTensors, toTensors } from "./tensors.ts";

/** Between two yields, in ms. */
const SLICE = 250;
/** Values looked at up to which threads would take longer to start than to help. */
const SMALL = 2e7;

export interface Forest {
  readonly plan: Omit<Plan, "columns">;
  readonly trees: number;
  /** Whether to measure each row by the trees that did not draw it. */
  readonly outOfBag: boolean;
}

/**
 * A tree is settled by the seed and its number alone, so that neither threads nor a stop change any.
 * A checkpoint is the trees from the first to the first that is not done.
 */
export async function* fitTrees(data: FitData, forest: Forest, context: FitContext): AsyncGenerator<FitProgress, Learnt> {
  const trees: (Tree | undefined)[] = context.resume ? fromTensors(context.resume) : [];
  const finished = () => {
    const gap = trees.indexOf(undefined);
    return (gap < 0 ? trees : trees.slice(0, gap)) as readonly Tree[];
  };
  const progress = (): FitProgress => {
    const done = finished();
    return { done: done.length, total: forest.trees, ...(done.length && { checkpoint: () => toTensors(done) }) };
  };
  try {
    const columns = yield* sliced(columnsOf(data.inputs, data.count, data.features), progress);
    const plan: Plan = { ...forest.plan, columns };
    const numbers = Array.from({ length: forest.trees - trees.length }, (_, i) => trees.length + i);
    trees.push(...numbers.map(() => undefined));
    const small = numbers.length * plan.count * plan.maxFeatures * Math.log2(plan.count + 1) < SMALL;
    yield* small ? growHere(plan, numbers, trees, progress, context) : growInThreads(plan, numbers, trees, progress, context);
    const metrics = forest.outOfBag ? yield* sliced(outOfBag(data, plan, trees as readonly Tree[]), progress) : undefined;
    return { tensors: toTensors(trees as readonly Tree[]), ...(metrics && { metrics }) };
  } catch (error) {
    if (context.signal?.aborted) yield progress();
    throw error;
  }
}

type Grown = AsyncGenerator<FitProgress, void>;

async function* growHere(
  plan: Plan,
  numbers: readonly number[],
  trees: (Tree | undefined)[],
  progress: () => FitProgress,
  { signal }: FitContext,
): Grown {
  const grow = grower(plan);
  let since = performance.now();
  for (const number of numbers) {
    signal?.throwIfAborted();
    trees[number] = grow(number);
    if (performance.now() - since < SLICE) continue;
    yield progress();
    since = performance.now();
  }
  yield progress();
}

async function* growInThreads(
  plan: Plan,
  numbers: readonly number[],
  trees: (Tree | undefined)[],
  progress: () => FitProgress,
  context: FitContext,
): Grown {
  const count = Math.min(context.threads, numbers.length);
  const common: Plan = { ...plan, targets: shared(plan.targets), ...(plan.weights && { weights: shared(plan.weights) }) };
  await using threads = new Threads<number, Tree>("learners/trees/trees-thread", common, count);
  const waiting = numbers.values();
  const each = Array.from({ length: count }, async () => {
    for (const number of waiting) trees[number] = await threads.run(number, context.signal);
    return true;
  });
  const all = Promise.all(each).then(() => true);
  for (let ended = false; !ended; ) {
    ended = await Promise.race([all, sleep(SLICE, false)]);
    yield progress();
  }
}

/** Work that yields now and then, with progress in between. */
async function* sliced<R>(work: Generator<void, R>, progress: () => FitProgress): AsyncGenerator<FitProgress, R> {
  let since = performance.now();
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
    if (performance.now() - since < SLICE) continue;
    yield progress();
    since = performance.now();
  }
}
