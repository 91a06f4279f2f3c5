/** What is worth warning of in any data, in plain words: classes, duplicates, too few rows. */
import type { DataWarning, Profile } from "../shared/profile.ts";

/** The largest class has more than so many times the records of the smallest. */
const IMBALANCED = 10;
/** A class with fewer records to train on is learnt badly, whatever the model. */
const SMALL_CLASS = 10;
const FEW_ROWS = 50;

type Classes = NonNullable<Profile["classes"]>;

const some = (names: readonly string[]): string => names.slice(0, 5).join(", ") + (names.length > 5 ? ` and ${names.length - 5} more` : "");

export function classWarnings(classes: Classes): DataWarning[] {
  const found: DataWarning[] = [];
  const sizes = classes.map((c) => c.train + c.validation + c.test);
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
  if (classes.length > 1 && most > IMBALANCED * Math.max(1, least)) {
    const [rare, common] = [classes[sizes.indexOf(least)]!.label, classes[sizes.indexOf(most)]!.label];
    found.push({
      code: "imbalance",
      message: `class "${common}" has ${most} records, class "${rare}" only ${least}: a model can be right most of the time without ever telling the rare one`,
      fix: "Bring more records of the rare classes, and judge the model by balanced accuracy or F1 rather than by accuracy.",
    });
  }
  const small = classes.filter((c) => c.train < SMALL_CLASS).map(({ label }) => label);
  if (small.length)
    found.push({
      code: "small_class",
      message: `${small.length === 1 ? "class" : "classes"} ${some(small)} ${small.length === 1 ? "has" : "have"} fewer than ${SMALL_CLASS} records to train on`,
      fix: "Bring more of them, or put them into another class.",
    });
  return found;
}

export function duplicateWarnings({ exact, near = 0, acrossSplits }: NonNullable<Profile["duplicates"]>, records: number): DataWarning[] {
  const found: DataWarning[] = [];
  if (acrossSplits)
    found.push({
      code: "leakage",
      message: `${acrossSplits} records to choose or test by are in the training split, too: the model has seen them, so its numbers are better than it is`,
      fix: "Remove the duplicates, or split by group so that equal records stay together.",
    });
  if (exact > 0.01 * records)
    found.push({
      code: "duplicates",
      message: `${exact} of ${records} records are like an earlier one`,
      fix: "Remove them unless they were really measured several times.",
    });
  if (near > 0.01 * records)
    found.push({
      code: "near_duplicates",
      message: `${near} of ${records} pictures look like an earlier one`,
      fix: "Look at some of them: frames of one film, or copies saved again, belong into one split.",
    });
  return found;
}

export const rowWarnings = (records: number): DataWarning[] =>
  records >= FEW_ROWS
    ? []
    : [
        {
          code: "few_rows",
          message: `there are ${records} records: whatever is measured on a part of them is chance to a good part`,
          fix: "Bring more records, or judge by cross-validation.",
        },
      ];
