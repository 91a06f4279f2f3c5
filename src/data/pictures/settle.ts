/** Settles which split each picture goes to, from the classes alone, before a single one is read. */
import { type SplitName, splitNames } from "../../shared/dataset.ts";
import { fail } from "../../shared/errors.ts";
import { random } from "../../shared/random.ts";
import type { PictureSource, PictureStream, SplitParams } from "../importing.ts";
import { draw, share } from "../splits.ts";

type Targets = PictureStream["targets"];

/** What is settled by: the classes or values alone. */
type Splittable = Pick<PictureSource, "task"> & {
  readonly splits: { readonly [N in keyof PictureSource["splits"]]: Pick<PictureStream, "targets"> };
};

/** Where pictures go. They are counted over all streams of a source, in the order train, validation, test. */
export interface Settled {
  /** Place in `splitNames` of each picture's split. */
  readonly splitOf: Uint8Array;
  /** Class or value of each picture. */
  readonly targets: Targets;
  /** How it was done. */
  readonly split: "given" | "stratified" | "random";
}

const [train, validation, test] = [0, 1, 2];

/**
 * Splits as the files give them are kept, unless a draw is asked for by name: then all pictures are drawn from. What
 * the files do not give is drawn from their training split. A class of one picture stays in training.
 * @throws BAD_PARAMETER, BAD_USAGE
 */
export function settle(source: Splittable, params: SplitParams): Settled {
  const streams = splitNames.flatMap((name) => (source.splits[name] ? [[name, source.splits[name]] as const] : []));
  const targets = joined(streams.map(([, stream]) => stream.targets));
  const { split, splitSeed: seed } = params;
  const refuse = (got: string, want: string) => fail("BAD_PARAMETER", { where: "pictures", name: "split", want, got });
  if (split === "group" || split === "time") throw refuse(split, "auto, stratified, random or given, as pictures have no columns");
  if (split === "given" && !source.splits.test)
    throw refuse("given, though the files have no test split", "auto, stratified or random, or the pictures in folders train and test");
  if (params.validationFraction + params.testFraction >= 1 && !source.splits.test)
    throw fail("BAD_USAGE", {
      problem: `nothing is left to train on: validationFraction ${params.validationFraction} and testFraction ${params.testFraction} make 1 or more`,
      fix: "Choose fractions whose sum is below 1.",
    });

  const redrawn = split === "stratified" || split === "random";
  const given = !redrawn && source.splits.test !== undefined;
  const task = split === "random" || source.task === "regression" ? "regression" : "classification"; // how `draw` stratifies
  const splitOf = new Uint8Array(targets.length);
  if (!redrawn) {
    let at = 0;
    for (const [name, stream] of streams) at += splitOf.fill(splitNames.indexOf(name), at, at + stream.targets.length) && stream.targets.length;
  }
  /** Moves a share of what is still in training. */
  const take = (to: number, name: SplitName, fraction: number, of: number) => {
    const from = splitOf.reduce((sum, s) => sum + Number(s === train), 0);
    const places = new Int32Array(from);
    for (let i = 0, n = 0; i < splitOf.length; i++) if (splitOf[i] === train) places[n++] = i;
    const { drawn } = draw(
      Float32Array.from(places, (i) => targets[i] as number),
      share(of, fraction),
      task,
      random(seed, name),
    );
    for (const i of drawn) splitOf[places[i]!] = to;
  };
  const pool = splitOf.reduce((sum, s) => sum + Number(s === train), 0);
  if (!given) take(test, "test", params.testFraction, pool);
  if (redrawn || !source.splits.validation) take(validation, "validation", params.validationFraction, pool);
  return { splitOf, targets, split: given ? "given" : task === "regression" ? "random" : "stratified" };
}

function joined(parts: readonly Targets[]): Targets {
  const all = new (parts[0] instanceof Float32Array ? Float32Array : Int32Array)(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
