/** The census table adult (R. Kohavi, B. Becker, 1996) as numbers. Used by tests, and by the bench of classical models. */

/** Its rows, of 14 features and the class. @param text as UCI has it; in its test file labels end with a dot */
export const adultRows = (text: string): string[][] =>
  text
    .split("\n")
    .map((line) => line.replace(/\.$/, "").split(", "))
    .filter((cells) => cells.length === 15);

/**
 * What turns a row into its features: 6 numbers and 8 categories, of which "?" is one.
 * @param rows what the categories, means and deviations are taken of
 * @param oneHot then numbers are standardised and there is a column for each category; else numbers are as they are, and categories their places in order
 */
export function adultEncoder(rows: readonly (readonly string[])[], oneHot: boolean): (cells: readonly string[]) => number[] {
  const columns = Array.from({ length: 14 }, (_, c) => {
    const isNumber = rows.every((row) => Number.isFinite(Number(row[c])));
    const values = isNumber ? [] : [...new Set(rows.map((row) => row[c]!))].sort();
    const numbers = isNumber ? rows.map((row) => Number(row[c])) : [];
    const mean = numbers.reduce((a, b) => a + b, 0) / rows.length;
    const deviation = Math.sqrt(numbers.reduce((a, b) => a + (b - mean) ** 2, 0) / rows.length);
    return { isNumber, values, mean, deviation };
  });
  return (cells) =>
    columns.flatMap(({ isNumber, values, mean, deviation }, c) => {
      if (isNumber) return oneHot ? [(Number(cells[c]) - mean) / deviation] : [Number(cells[c])];
      return oneHot ? values.map((value) => Number(value === cells[c])) : [values.indexOf(cells[c]!)];
    });
}
export const isRich = (cells: readonly string[]): number => Number(cells[14] === ">50K");
