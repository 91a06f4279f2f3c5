/** The step that makes numbers of texts. */

import { appendNumbers, without } from "../../data/flow.ts";
import { tableStep } from "../../data/kinds.ts";
import { concat, countWords, lowerAscii, matches, min, replaceStrings } from "../../engine/ops.ts";
import { choice, integer } from "../../shared/define.ts";
import { columns } from "./columns.ts";

/** Two or more letters, digits or underscores in a row. */
const word = "[\\p{L}\\p{N}_]{2,}";
const wordsIn = new RegExp(word, "gu");

/** By code points, as Python sorts. */
const byCodePoint = (a: string, b: string): number => {
  const [x, y] = [Array.from(a), Array.from(b)];
  for (let i = 0; i < Math.min(x.length, y.length); i++) if (x[i] !== y[i]) return x[i]!.codePointAt(0)! - y[i]!.codePointAt(0)!;
  return x.length - y.length;
};

export const bagOfWords = tableStep({
  id: "bag-of-words",
  title: "Bag of words",
  summary:
    "How often each frequent word stands in a text, in whatever case. A word is two or more letters, digits or underscores in a row. Of a column without frequent words, such as one of names, nothing is left.",
  reference: "https://scikit-learn.org/stable/modules/generated/sklearn.feature_extraction.text.CountVectorizer.html",
  computation: "the count of each word of the vocabulary",
  suits: ["text"],
  chooses: "all",
  params: {
    columns: columns("text"),
    words: integer({ default: 300, min: 1, max: 100_000, help: "Words of the vocabulary: the most frequent ones." }),
    least: integer({ default: 2, min: 1, help: "Training rows that a word must stand in." }),
    count: choice({ default: "count", options: ["count", "presence"], help: "How often a word stands in the text, or only whether it does." }),
  },
  becomes: () => undefined,
  async fit(column, { words, least, count: counted }) {
    const counts = new Map<string, { total: number; rows: number; last: number }>();
    let row = 0;
    for await (const texts of column.type === "text" ? column.texts : []) {
      for (const text of texts) {
        row++;
        for (const found of text.toLowerCase().match(wordsIn) ?? []) {
          const count = counts.get(found);
          if (!count) counts.set(found, { total: 1, rows: 1, last: row });
          else {
            count.total++;
            if (count.last !== row) count.rows++;
            count.last = row;
          }
        }
      }
    }
    const weightOf = ({ total, rows }: { total: number; rows: number }) => (counted === "count" ? total : rows);
    const frequent = [...counts].filter(([, { rows }]) => rows >= least).sort(([a, x], [b, y]) => weightOf(y) - weightOf(x) || byCodePoint(a, b));
    const vocabulary = frequent.slice(0, words).map(([found]) => found);
    return { words: vocabulary.sort(byCodePoint) };
  },
  build(flow, on, { count }) {
    const rest = without(flow, new Set(on.map(({ name }) => name)));
    const made = on.flatMap(({ name, fitted: { words } }) => {
      if (!words.length) return [];
      const { text, from } = flow.texts.find((one) => one.name === name)!;
      const counts = countWords(inLowerCase(matches(lowerAscii(text), word), words), words);
      return [
        { columns: words.map((found) => ({ name: `${name}: ${found}`, from, gaps: false })), value: count === "count" ? counts : min(counts, 1) },
      ];
    });
    if (!made.length) return rest;
    const values = made.map(({ value }) => value);
    return appendNumbers(
      rest,
      made.flatMap(({ columns }) => columns),
      values.length === 1 ? values[0]! : concat(values, 1),
    );
  },
});

/** Words with letters beyond A to Z are looked up as they stand in lower case, in capitals, and with a capital first. */
function inLowerCase(found: ReturnType<typeof matches>, words: readonly string[]) {
  const asciiLower = (text: string) => text.replace(/[A-Z]/g, (c) => c.toLowerCase());
  const forms = words.flatMap((lower) => {
    const [first = "", ...rest] = Array.from(lower);
    return [lower, asciiLower(lower.toUpperCase()), asciiLower(first.toUpperCase() + rest.join(""))].map((form) => [form, lower] as const);
  });
  const table = new Map(forms.filter(([form, lower]) => form === lower || !words.includes(form)));
  return table.size === words.length ? found : replaceStrings(found, [...table.keys()], [...table.values()]);
}
