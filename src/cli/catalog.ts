/** `trainyard catalog`: everything that can be chosen, with its parameters. */
import type { Command } from "commander";
import { catalog } from "../catalog/index.ts";
import { wholeCatalog } from "../server/modules/catalog/service.ts";
import type { CatalogEntry } from "../shared/api/schemas.ts";
import { type Param, wanted } from "../shared/define.ts";
import { fail } from "../shared/errors.ts";
import { type Answer, add, type Options, show } from "./command.ts";
import { running } from "./connect.ts";
import { table } from "./table.ts";

type Catalog = Readonly<Record<string, readonly CatalogEntry[]>>;

export function registerCatalog(program: Command): void {
  add(
    program,
    "catalog",
    "list everything that can be chosen",
    "List everything that can be chosen, with its parameters: the server's catalog, or without one that of this version.",
  )
    .argument("[kind]", Object.keys(catalog).join(", "))
    .action(async (kind: string | undefined, { json }: Options) => {
      const server = await running();
      const all = server ? await server.call("getCatalog", {}) : wholeCatalog();
      if (kind !== undefined && !(kind in all)) throw fail("UNKNOWN_ENTRY", { kind: "kind of catalog entry", id: kind, known: Object.keys(all) });
      const shown = kind ? { [kind]: all[kind]! } : all;
      show(catalogAnswer(shown), json);
    });
}

const catalogAnswer = (shown: Catalog): Answer => ({
  lines: [shown],
  text: () =>
    Object.entries(shown)
      .map(([kind, entries]) => `${kind}\n\n${entries.map(entryText).join("\n\n")}\n`)
      .join("\n"),
});

function entryText({ id, summary, params }: CatalogEntry): string {
  const rows = Object.entries(params) as [string, Param][];
  const columns = [
    { title: "", cell: ([name]: (typeof rows)[number]) => `    ${name}` },
    { title: "", cell: ([, param]: (typeof rows)[number]) => wanted(param) },
    { title: "", cell: ([, param]: (typeof rows)[number]) => `default ${defaultText(param)}` },
    { title: "", cell: ([, param]: (typeof rows)[number]) => param.help },
  ];
  return [`  ${id}  ${summary}`, ...(rows.length ? [table(columns, rows).slice(1)] : [])].join("\n");
}

const defaultText = ({ default: value }: Param): string => (Array.isArray(value) ? `[${value.join(", ")}]` : value === "" ? "empty" : String(value));
