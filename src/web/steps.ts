/** A list of steps of preprocessing, as a form has it. */
import type { Values } from "./components/ParamForm.tsx";

export interface Step {
  /** Id of the catalog's entry. */
  readonly step: string;
  readonly params?: Values;
}

/** With one at another place. */
export function moved<T>(list: readonly T[], from: number, to: number): readonly T[] {
  const others = list.toSpliced(from, 1);
  return others.toSpliced(to, 0, list[from]!);
}

/**
 * What pixels of any range look like: from black to white.
 * @param range of all pictures that are shown beside this one
 * @returns bytes, as `ImageData` has them
 */
export function shades(
  picture: readonly number[],
  [channels = 1, height = 1, width = 1]: readonly number[],
  [least, most]: readonly [number, number],
): Uint8ClampedArray<ArrayBuffer> {
  const plane = height * width;
  // Bytes stay what they are; what was scaled is spread over all shades.
  const [low, high] = least >= 0 && most <= 255 && most > 1 ? [0, 255] : [least, most];
  const shade = (x: number) => (high > low ? (255 * (x - low)) / (high - low) : 0);
  const bytes = new Uint8ClampedArray(4 * plane);
  for (let i = 0; i < plane; i++) {
    for (let c = 0; c < 3; c++) bytes[4 * i + c] = shade(picture[(channels < 3 ? 0 : c * plane) + i]!);
    bytes[4 * i + 3] = 255;
  }
  return bytes;
}

/** The least and the greatest value of some pictures. */
export function rangeOf(pictures: readonly (readonly number[])[]): [least: number, most: number] {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const picture of pictures)
    for (const x of picture) {
      least = Math.min(least, x);
      most = Math.max(most, x);
    }
  return [least, most];
}
