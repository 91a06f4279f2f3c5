/** The step that makes numbers of dates. */

import { appendNumbers, beside, without } from "../../data/flow.ts";
import { tableStep } from "../../data/kinds.ts";
import { scalar, type Value } from "../../engine/graph.ts";
import { add, cast, div, greaterOrEqual, less, mul, sub, where } from "../../engine/ops.ts";
import { texts } from "../../shared/define.ts";
import { columns } from "./columns.ts";

const DAY = 86_400;
/** From 0000-03-01, where leap days end a year, to 1970-01-01. */
const daysBefore1970 = 719_468;

/** x - floor(x / by) · by, of int64 from 0 */
const mod = (x: Value, by: number): Value => sub(x, mul(div(x, by), by));

/** Seconds and days since 0000-03-01, int64 [batch]. */
interface Moment {
  readonly seconds: Value;
  readonly days: Value;
}
/**
 * Year, month (1 to 12) and day (1 to 31) of a number of days since 0000-03-01, in whole numbers.
 * H. Hinnant, chrono-compatible low-level date algorithms: https://howardhinnant.github.io/date_algorithms.html#civil_from_days
 */
function civil({ days }: Moment) {
  const era = div(days, 146_097);
  const dayOfEra = mod(days, 146_097);
  const yearOfEra = div(sub(sub(add(dayOfEra, div(dayOfEra, 36_524)), div(dayOfEra, 1460)), div(dayOfEra, 146_096)), 365);
  const dayOfYear = sub(dayOfEra, sub(add(mul(yearOfEra, 365), div(yearOfEra, 4)), div(yearOfEra, 100))); // from March 1
  const fromMarch = div(add(mul(dayOfYear, 5), 2), 153);
  const month = where(less(fromMarch, 10), add(fromMarch, 3), sub(fromMarch, 9));
  const year = add(add(yearOfEra, mul(era, 400)), cast(less(month, 3), "int64"));
  return { year, month, day: add(sub(dayOfYear, div(add(mul(fromMarch, 153), 2), 5)), 1) };
}

/** The first day of a year, counted from 0000-03-01: the 306 days from March on belong to the year before. */
function startOf(year: Value): Value {
  const before = sub(year, 1);
  return add(sub(add(mul(before, 365), div(before, 4)), div(before, 100)), add(div(before, 400), 306));
}

const parts: Readonly<Record<string, (at: Moment) => Value>> = {
  year: (at) => civil(at).year,
  quarter: (at) => add(div(sub(civil(at).month, 1), 3), 1),
  month: (at) => civil(at).month,
  day: (at) => civil(at).day,
  weekday: ({ days }) => mod(add(days, 2), 7), // 0000-03-01 was a Wednesday
  "day-of-year": (at) => add(sub(at.days, startOf(civil(at).year)), 1),
  hour: ({ seconds }) => div(mod(seconds, DAY), 3600),
  minute: ({ seconds }) => div(mod(seconds, 3600), 60),
  "days-since-1970": ({ days }) => sub(days, daysBefore1970),
};
const known = Object.keys(parts);

export const dateParts = tableStep({
  id: "date-parts",
  title: "Date parts",
  summary:
    "Numbers that a date is made of, in UTC, of the years 1 to 9999; Monday is weekday 0. Those of a missing date are missing, for a step impute to fill in.",
  computation: "the parts of the date in the Gregorian calendar",
  suits: ["date"],
  chooses: "all",
  params: {
    columns: columns("date"),
    parts: texts({ default: ["year", "month", "day", "weekday"], help: `Any of ${known.join(", ")}.` }),
  },
  check({ parts }) {
    const unknown = parts.find((part) => !known.includes(part));
    if (unknown !== undefined) return { name: "parts", want: `some of ${known.join(", ")}`, got: `"${unknown}"` };
    return parts.length ? undefined : { name: "parts", want: `some of ${known.join(", ")}`, got: "none" };
  },
  becomes: ({ name }, { parts }) => parts.map((part) => ({ name: `${name} ${part}`, type: "number" })),
  build(flow, on, { parts: wanted }) {
    const names = new Set(on.map(({ name }) => name));
    const made = flow.dates
      .filter(({ name }) => names.has(name))
      .flatMap((date) => {
        const isThere = greaterOrEqual(date.seconds, -daysBefore1970 * DAY);
        const seconds = add(where(isThere, date.seconds, 0), daysBefore1970 * DAY);
        const at = { seconds, days: div(seconds, DAY) };
        return wanted.map((part) => ({
          column: { name: `${date.name} ${part}`, from: date.from, gaps: true },
          value: where(isThere, cast(parts[part]!(at), "float32"), scalar(Number.NaN)),
        }));
      });
    return appendNumbers(
      without(flow, names),
      made.map(({ column }) => column),
      beside(made.map(({ value }) => value)),
    );
  },
});
