/** What changed from one state of an entity to the next, and a state as lines of which each knows what it tells of. */
type Json = unknown;

export interface Change {
  /** settings.training.epochs, files[0].name */
  readonly path: string;
  /** Nothing where it was not there. */
  readonly before?: Json;
  readonly after?: Json;
}

const isTree = (value: Json): value is object => typeof value === "object" && value !== null;
const joined = (path: string, key: string, inList: boolean): string => (inList ? `${path}[${key}]` : path ? `${path}.${key}` : key);

/** In the order of the keys; what is new or gone is told whole. */
export function differences(before: Json, after: Json, path = ""): Change[] {
  if (Object.is(before, after)) return [];
  if (!isTree(before) || !isTree(after) || Array.isArray(before) !== Array.isArray(after)) {
    return [{ path, ...(before !== undefined && { before }), ...(after !== undefined && { after }) }];
  }
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return keys.flatMap((key) =>
    differences(
      (before as Readonly<Record<string, Json>>)[key],
      (after as Readonly<Record<string, Json>>)[key],
      joined(path, key, Array.isArray(after)),
    ),
  );
}

export interface Line {
  readonly path: string;
  readonly text: string;
}

/** As JSON.stringify with an indent of two writes it. */
export function lines(value: Json, path = "", indent = "", label = "", end = ""): Line[] {
  const open = `${indent}${label}`;
  if (!isTree(value)) return [{ path, text: `${open}${JSON.stringify(value)}${end}` }];
  const isList = Array.isArray(value);
  const entries = Object.entries(value);
  const [left, right] = isList ? ["[", "]"] : ["{", "}"];
  if (!entries.length) return [{ path, text: `${open}${left}${right}${end}` }];
  return [
    { path, text: `${open}${left}` },
    ...entries.flatMap(([key, one], i) =>
      lines(one, joined(path, key, isList), `${indent}  `, isList ? "" : `${JSON.stringify(key)}: `, i < entries.length - 1 ? "," : ""),
    ),
    { path, text: `${indent}${right}${end}` },
  ];
}

export interface Passage {
  /** Whether it is of what changed. */
  readonly changed: boolean;
  readonly text: string;
}

/** Lines of a state, those of what changed told apart: few passages, as states may be long. */
export function passages(state: Json, changes: readonly Change[]): Passage[] {
  const changed = new Set(changes.map(({ path }) => path));
  const within = (path: string): boolean => {
    for (let part = path; part; part = part.replace(/(\.|^|\[)[^.[]*$/, "")) if (changed.has(part)) return true;
    return false;
  };
  const found: { changed: boolean; texts: string[] }[] = [];
  for (const { path, text } of lines(state)) {
    const is = within(path);
    const last = found.at(-1);
    if (last?.changed === is) last.texts.push(text);
    else found.push({ changed: is, texts: [text] });
  }
  return found.map(({ changed, texts }) => ({ changed, text: texts.join("\n") }));
}
