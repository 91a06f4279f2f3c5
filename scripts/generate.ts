/** `npm run generate`: writes docs/errors.md, docs/catalog.md and docs/configuration.md from the code. With `--check` it writes nothing and fails when one is stale. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { catalog } from "../src/catalog/index.ts";
import { fittingParams, trainingParams } from "../src/catalog/run-settings.ts";
import { variables } from "../src/server/config.ts";
import { type Head, type Param, type Params, wanted } from "../src/shared/define.ts";
import { errors } from "../src/shared/errors.ts";

/** Keeps `<` from reading as HTML, outside code. */
const prose = (text: string): string => text.replace(/`[^`]*`|<(?=[\w/!])/g, (part) => (part === "<" ? "\\<" : part));
/** Text in a table: one line, no column marks. */
const cell = (text: string): string =>
  prose(text)
    .replace(/\s*\n\s*/g, " ")
    .replaceAll("|", "\\|");
const row = (...cells: string[]): string => `| ${cells.map(cell).join(" | ")} |`;
const table = (head: string[], rows: string[][]): string[] => [row(...head), row(...head.map(() => "---")), ...rows.map((cells) => row(...cells))];

/** Answers `{name}` for any field, as a list of one, because some texts join lists. A number computed from it prints as {a number}. */
const anything = new Proxy({}, { get: (_, name) => [Object.assign(new String(`{${String(name)}}`), { message: "{message}", fix: "{what to do}" })] });
const sample = (text: (d: never) => string): string => `${text(anything as never)}`.replaceAll("NaN", "{a number}");

function errorsPage(): string[] {
  return [
    "# Errors",
    "",
    "Every error has a code, a message that says where, what was wanted and what came, and what to do about it.",
    "Status 4xx is the caller's to mend, 5xx is not. In the texts `{name}` stands for a value, or for a sentence that depends on the case.",
    "",
    ...table(
      ["Code", "Status", "Message", "What to do"],
      Object.entries(errors).map(([code, { status, message, fix }]) => [`\`${code}\``, `${status}`, sample(message), sample(fix)]),
    ),
  ];
}

const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);
/** A reference to this page itself names a section: catalog.md#layers. */
const link = (reference: string): string => `[Reference](${reference.replace(/^catalog\.md(?=#)/, "")}).`;
const sentence = (text: string): string => prose(/[.?!]$/.test(text) ? text : `${text}.`);
const about = ({ summary, reference }: Head): string => sentence(summary) + (reference ? ` ${link(reference)}` : "");

const shown = (value: Param["default"]): string => (Array.isArray(value) ? `[${value.join(", ")}]` : JSON.stringify(value));
const parameters = (params: Params): string[] =>
  table(
    ["Parameter", "Accepts", "Default", "Meaning"],
    Object.entries(params).map(([name, param]) => [`\`${name}\``, wanted(param), `\`${shown(param.default)}\``, param.help]),
  );

/** Some kinds of entry suit certain tasks only, steps of preprocessing tables or pictures. */
type Entry = Head & { readonly tasks?: readonly string[]; readonly of?: string; readonly suits?: readonly string[]; readonly computation?: string };

function section({ id, title, tasks, of, suits: types, computation, ...entry }: Entry): string[] {
  const kinds = tasks ?? (of && [of === "table" ? `columns of type ${types!.join(", ")}` : of]);
  const suits = kinds ? ` (${kinds.join(", ")})` : "";
  const rows = Object.keys(entry.params).length ? ["", ...parameters(entry.params)] : [];
  return [`### ${title}`, "", `\`${id}\`${suits}: ${about({ id, title, ...entry })}`, ...rows, ""];
}

/** Where no entry has parameters, one table holds them all. */
const plainTable = (entries: readonly Entry[]): string[] =>
  table(
    ["Name", "Meaning"],
    entries.map((e) => [`\`${e.id}\`${e.tasks ? ` (${e.tasks.join(", ")})` : ""}`, about(e)]),
  );

function catalogPage(): string[] {
  const kinds: [string, readonly Entry[]][] = Object.entries(catalog).filter(([, entries]) => entries.length > 0);
  const hasParameters = (e: Entry) => Object.keys(e.params).length > 0;
  return [
    "# Catalog",
    "",
    "Everything that can be chosen for a training, by the name it has in the CLI, the API and files. On the command line `batchSize` is `--batch-size`, and a list is written `32,64`.",
    "",
    "- [Training](#training): what a training can be told besides its parts",
    ...kinds.map(([kind, entries]) => `- [${capital(kind)}](#${kind}): ${entries.map(({ id }) => `\`${id}\``).join(", ")}`),
    "",
    "An entry without a table has no parameters.",
    "",
    "## Training",
    "",
    ...parameters(trainingParams),
    "",
    `A [classical model](#learners) takes ${Object.keys(fittingParams)
      .map((name) => `\`${name}\``)
      .join(", ")} of these; what else it can be told are parameters of its own. It is chosen where a model is: \`--model random-forest\`.`,
    "",
    ...kinds.flatMap(([kind, entries]) => [
      `## ${capital(kind)}`,
      "",
      ...(entries.some(hasParameters) ? entries.flatMap(section) : [...plainTable(entries), ""]),
    ]),
  ];
}

function configurationPage(): string[] {
  return [
    "# Configuration",
    "",
    "With nothing set, Trainyard keeps everything in one directory on this machine. Each of these variables changes one thing; `trainyard serve` has flags for the first ones.",
    "A variable that is wrong or misspelt stops the start, with every problem told at once.",
    "",
    ...table(
      ["Variable", "Accepts", "Default", "Meaning"],
      Object.entries(variables).map(([name, v]) => [`\`${name}\``, v.wanted, `\`${"shown" in v ? v.shown : String(v.fallback)}\``, v.help]),
    ),
    "",
    "Credentials of the object store come from the standard `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, `AWS_REGION` and `AWS_PROFILE`.",
    "The command line also reads `TRAINYARD_URL`, `TRAINYARD_TOKEN` and `TRAINYARD_PROJECT`: the server that it talks to, what it shows there, and the project that it works in.",
  ];
}

const note = "<!-- Generated by `npm run generate`: change the code it describes, not this file. -->";
const pages = { "docs/errors.md": errorsPage(), "docs/catalog.md": catalogPage(), "docs/configuration.md": configurationPage() };
for (const [path, lines] of Object.entries(pages)) {
  const text = `${[note, "", ...lines].join("\n").trimEnd()}\n`;
  if (existsSync(path) && readFileSync(path, "utf8") === text) continue;
  if (process.argv.includes("--check")) {
    console.error(`${path} does not say what the code says. Run \`npm run generate\` and commit the result.`);
    process.exitCode = 1;
  } else {
    writeFileSync(path, text);
    console.log(`wrote ${path}`);
  }
}
