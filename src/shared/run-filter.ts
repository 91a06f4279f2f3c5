/** A condition of the language in which runs are found, as text and in its parts: the server reads it, pages build it. */

/** `!` alone has no value: runs that have no such quantity. */
export const filterOperators = ["=", "!=", "<", "<=", ">", ">=", "~", "!"] as const;
export type FilterOperator = (typeof filterOperators)[number];

export interface FilterParts {
  readonly field: string;
  readonly operator: FilterOperator;
  readonly value: string;
}

const grammar = /^([A-Za-z](?:"[^"]*"|[^\s<>=!~"])*)\s*(<=|>=|!=|=|<|>|~)(.*)$/s;

/** Undefined for what is no condition. */
export function filterParts(filter: string): FilterParts | undefined {
  const text = filter.trim();
  if (text.startsWith("!")) {
    const field = text.slice(1).trim();
    return field ? { field, operator: "!", value: "" } : undefined;
  }
  const [, field, operator, value] = grammar.exec(text) ?? [];
  return field === undefined ? undefined : { field, operator: operator as FilterOperator, value: value!.trim() };
}

export const filterText = ({ field, operator, value }: FilterParts): string => (operator === "!" ? `!${field}` : `${field}${operator}${value}`);

/** The field of a tag, as filters name it. */
export const tagField = (name: string): string => (/^[^\s<>=!~"]+$/.test(name) ? `tags.${name}` : `tags."${name}"`);
