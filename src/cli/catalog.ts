/** `trainyard catalog`: everything that can be chosen, with its parameters. */
import type { Command } from "commander";
import { catalog } from "../catalog/index.ts";
import { type Head, wanted } from "../shared/define.ts";
import { fail } from "../shared/errors.ts";
import { print, printJson, table } from "./output.ts";

const kinds = Object.keys(catalog) as (keyof typeof catalog)[];

export function registerCatalog(program: Command): void {
  program
    .command("catalog")
    .summary("list everything that can be chosen")
    .description("List everything that can be chosen, with its parameters.")
    .argument("[kind]", kinds.join(", "))
    .option("--json", "print as JSON")
    .action((kind: string | undefined, { json }: { json?: boolean }) => {
      if (kind !== undefined && !kinds.includes(kind as never))
        throw fail("UNKNOWN_ENTRY", { kind: "kind of catalog entry", id: kind, known: kinds });
      const shown = kind ? [kind as keyof typeof catalog] : kinds;
      if (json) return printJson(Object.fromEntries(shown.map((k) => [k, catalog[k].map(presentEntry)])));
      for (const k of shown) {
        print(`${k}\n`);
        for (const entry of catalog[k] as readonly Head[]) {
          print(`  ${entry.id}  ${entry.summary}`);
          const rows = Object.entries(entry.params).map(([name, p]) => [
            `    ${name}`,
            wanted(p),
            `default ${Array.isArray(p.default) ? `[${p.default.join(", ")}]` : p.default === "" ? "empty" : p.default}`,
            p.help,
          ]);
          if (rows.length) print(table(["", "", "", ""], rows).replace(/^\n/, ""));
        }
        print("");
      }
    });
}

const presentEntry = ({ id, title, summary, reference, params, ...rest }: Head & { tasks?: readonly string[] }) => ({
  id,
  title,
  summary,
  reference,
  ...(rest.tasks && { tasks: rest.tasks }),
  params,
});
