/** The OpenAPI document as people and generators want it: each schema once, nothing that nobody refers to. */
import { type Endpoint, endpoints } from "../shared/api/endpoints.ts";

export interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { requestBody?: object }>>>>;
  readonly components: { schemas: Record<string, unknown> };
}

const rawBody = { required: true, content: { "application/octet-stream": { schema: { type: "string", format: "binary" } } } };
const prefix = "#/components/schemas/";

/** Every `$ref` below a value, as the name of its schema. */
function references(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === "$ref" && typeof inner === "string" ? [inner.slice(prefix.length)] : references(inner),
  );
}

/** The generator writes every schema twice, as `Run` and `RunInput`. What is used keeps its name; `Input` goes where the other is not used or the same. */
export function openApi(document: OpenApi): OpenApi {
  for (const { path, method, upload } of Object.values(endpoints) as Endpoint[]) {
    if (upload) document.paths[path]![method.toLowerCase()]!.requestBody = rawBody;
  }
  const { schemas } = document.components;
  const used = new Set<string>();
  const queue = references(document.paths);
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (used.has(name)) continue;
    used.add(name);
    queue.push(...references(schemas[name]));
  }
  const renamed = new Map(
    [...used].filter((name) => name.endsWith("Input") && (!used.has(bare(name)) || same(schemas, name))).map((name) => [name, bare(name)]),
  );
  const kept = [...used].sort().map((name) => [renamed.get(name) ?? name, schemas[name]]);
  const whole = { ...document, components: { ...document.components, schemas: Object.fromEntries(kept) } };
  return JSON.parse(JSON.stringify(whole), (key, value) => (key === "$ref" ? rename(value, renamed) : value));
}

const bare = (name: string): string => name.replace(/Input$/, "");
const rename = (reference: string, names: ReadonlyMap<string, string>): string => {
  const name = reference.slice(prefix.length);
  return prefix + (names.get(name) ?? name);
};
/** Whether the schema of what comes in is the schema of what goes out. */
const same = (schemas: Record<string, unknown>, name: string): boolean =>
  JSON.stringify(schemas[name]).replaceAll(/Input"/g, '"') === JSON.stringify(schemas[bare(name)]);
