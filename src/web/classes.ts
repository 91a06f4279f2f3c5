/** Which classes of many are shown. */
import type { Profile } from "../shared/profile.ts";

type Class = NonNullable<Profile["classes"]>[number];
export const orders = ["given", "most", "least"] as const;
export type Order = (typeof orders)[number];

export const sumOf = ({ train, validation, test }: Class): number => train + validation + test;

const compare: Readonly<Record<Exclude<Order, "given">, (a: Class, b: Class) => number>> = {
  most: (a, b) => sumOf(b) - sumOf(a),
  least: (a, b) => sumOf(a) - sumOf(b),
};

/** Those in whose name a text occurs, in upper or lower case. */
export function classesBy(classes: readonly Class[], order: Order, text: string): readonly Class[] {
  const wanted = text.trim().toLowerCase();
  const found = wanted ? classes.filter(({ label }) => label.toLowerCase().includes(wanted)) : classes;
  return order === "given" ? found : found.toSorted(compare[order]);
}
