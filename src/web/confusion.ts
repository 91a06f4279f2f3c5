/** What a confusion matrix says where it is too large to be drawn. */

export interface Mistake {
  readonly truth: number;
  readonly predicted: number;
  readonly count: number;
  /** Of the records of the true class. */
  readonly share: number;
}

/** The mistakes that were made most often. Rows the truth, columns the prediction. */
export function commonMistakes(confusion: readonly (readonly number[])[], most: number): Mistake[] {
  const found: Mistake[] = [];
  let least = 0;
  for (let truth = 0; truth < confusion.length; truth++) {
    const row = confusion[truth]!;
    const total = row.reduce((sum, one) => sum + one, 0);
    for (let predicted = 0; predicted < row.length; predicted++) {
      const count = row[predicted]!;
      if (predicted === truth || count <= least) continue;
      found.push({ truth, predicted, count, share: count / total });
      if (found.length < 4 * most) continue;
      found.sort((a, b) => b.count - a.count).length = most;
      least = found.at(-1)!.count;
    }
  }
  return found.sort((a, b) => b.count - a.count || a.truth - b.truth || a.predicted - b.predicted).slice(0, most);
}

/** "3,5": the cell of true class 3 and predicted class 5. */
export function cellOf(text: string | undefined): { readonly truth: number; readonly predicted: number } | undefined {
  const [, truth, predicted] = /^(\d{1,9}),(\d{1,9})$/.exec(text ?? "") ?? [];
  return truth === undefined || predicted === undefined ? undefined : { truth: Number(truth), predicted: Number(predicted) };
}
