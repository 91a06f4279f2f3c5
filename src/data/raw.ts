/** Cells of raw rows, by column. */
import { type Column, NO_DATE, type RawSplit } from "../shared/dataset.ts";

/**
 * Reads one column, which is not of texts: a number, the code of a category, or the seconds of a date; NaN where missing.
 * @param columns all of the table, as they lie side by side in the blocks of their types
 */
export function cellsOf({ numbers, categories, dates }: RawSplit, columns: readonly Column[], column: Column): (row: number) => number {
  const alike = columns.filter(({ type }) => type === column.type);
  const [width, place] = [alike.length, alike.indexOf(column)];
  const orMissing = (value: number | bigint, missing: number | bigint) => (value === missing ? Number.NaN : Number(value));
  const readers = {
    number: (row: number) => numbers![row * width + place]!,
    category: (row: number) => orMissing(categories![row * width + place]!, -1),
    date: (row: number) => orMissing(dates![row * width + place]!, NO_DATE),
    text: () => Number.NaN,
  };
  return readers[column.type];
}

/** Of a float32 the shortest decimal that is rounded to it: 0.1, not 0.10000000149011612. */
export function decimal(value: number): number {
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return value;
}
