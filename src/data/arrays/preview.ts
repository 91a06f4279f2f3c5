/** What a source of pictures holds, before it is imported. */
import type { Preview } from "../../shared/profile.ts";
import type { PictureSource } from "../importing.ts";

/** @param format its name, as previews call it: idx, npy, … */
export function previewPictures({ pictureShape, labels, task, splits }: PictureSource, format: string): Preview {
  const targets = [splits.train, splits.validation, splits.test].flatMap((split) => (split ? [split.targets] : []));
  const counts = new Array<number>(labels.length).fill(0);
  if (task === "classification") for (const part of targets) for (const label of part) counts[label]!++;
  return {
    kind: "pictures",
    format: { name: format },
    records: targets.reduce((sum, { length }) => sum + length, 0),
    estimated: false,
    columns: [],
    target: { name: "class", task, why: task === "classification" ? "each picture comes with its class" : "each picture comes with a number" },
    rows: [],
    ...(task === "classification" && { classes: labels.map((label, i) => ({ label, count: counts[i]! })) }),
    pictureShape: [...pictureShape],
    problems: [],
  };
}
