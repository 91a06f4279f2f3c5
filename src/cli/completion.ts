/** `trainyard completion`: scripts that let a shell complete commands, made from the commands themselves. */
import type { Command } from "commander";
import { catalog } from "../catalog/index.ts";
import { choices } from "../catalog/run-settings.ts";
import { entityKinds, jobKinds, jobStates, modules, roles, scopes } from "../shared/api/schemas.ts";
import { fail } from "../shared/errors.ts";
import { add } from "./command.ts";
import { everyFlag } from "./flags.ts";
import { print } from "./output.ts";

interface Word {
  readonly text: string;
  readonly help: string;
}
/** What may follow some commands: "" for the start, "runs show" after these two. */
interface Place {
  readonly at: string;
  readonly words: readonly Word[];
  /** Options, some with the values they take. */
  readonly options: readonly (Word & { readonly values?: readonly string[] })[];
}

const shells = { bash, zsh, fish };

export function registerCompletion(program: Command): void {
  add(program, "completion", "print a script that lets a shell complete commands")
    .argument("<shell>", Object.keys(shells).join(", "))
    .addHelpText(
      "after",
      `
bash  source <(trainyard completion bash)      in ~/.bashrc
zsh   source <(trainyard completion zsh)       in ~/.zshrc, after compinit
fish  trainyard completion fish | source       in ~/.config/fish/config.fish`,
    )
    .action((shell: string) => {
      if (!(shell in shells)) throw fail("UNKNOWN_ENTRY", { kind: "shell", id: shell, known: Object.keys(shells) });
      print(shells[shell as keyof typeof shells](places(program)));
    });
}

const idsOf = (entries: readonly { readonly id: string }[]): readonly string[] => entries.map(({ id }) => id);

/** Values of options, and of the first argument of commands. */
const values: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(Object.entries(choices).map(([choice, { entries }]) => [`--${choice}`, idsOf(entries)])),
  "--source": idsOf(catalog.datasets),
  "--kind": [...new Set([...entityKinds, ...jobKinds])],
  "--module": modules,
  "--state": jobStates,
  "--role": roles,
  "--scope": scopes,
};
const argumentsOf: Readonly<Record<string, readonly string[]>> = {
  train: idsOf(catalog.datasets),
  catalog: Object.keys(catalog),
  completion: Object.keys(shells),
  rewind: entityKinds,
};

function places(command: Command, at = ""): Place[] {
  const verbs = command.commands.flatMap((c) => [c.name(), ...c.aliases()].map((name) => ({ name, command: c })));
  const own = command.options.map((o) => ({ text: o.long!, help: o.description, values: values[o.long!] }));
  const ofEntries = at === "train" ? everyFlag().map(({ flag, param }) => ({ text: flag, help: param.help, values: optionsOf(param) })) : [];
  const options = new Map([...own, { text: "--help", help: "show what there is" }, ...ofEntries].map((option) => [option.text, option]));
  return [
    {
      at,
      words: [
        ...verbs.map(({ name, command }) => ({ text: name, help: command.summary() })),
        ...(argumentsOf[at] ?? []).map((text) => ({ text, help: "" })),
      ],
      options: [...options.values()],
    },
    ...verbs.flatMap(({ name, command }) => places(command, `${at} ${name}`.trim())),
  ];
}

const optionsOf = (param: { readonly type: string; readonly options?: readonly string[] }): readonly string[] | undefined =>
  param.options ?? (param.type === "boolean" ? ["true", "false"] : undefined);

/** In all shells: the words that lead from one place to another, as "place word". */
const steps = (all: readonly Place[]): readonly string[] => all.filter(({ at }) => at).map(({ at }) => (at.includes(" ") ? at : ` ${at}`));
const valued = (all: readonly Place[]): readonly (readonly [string, readonly string[]])[] => [
  ...new Map(all.flatMap(({ options }) => options.flatMap((o) => (o.values ? [[o.text, o.values] as const] : [])))),
];
const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

function bash(all: readonly Place[]): string {
  return `# bash completion of trainyard
_trainyard() {
  local at="" i words current="\${COMP_WORDS[COMP_CWORD]}"
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at \${COMP_WORDS[i]}" in
      ${steps(all).map(quote).join(" | ")}) at="\${at:+$at }\${COMP_WORDS[i]}" ;;
    esac
  done
  case "\${COMP_WORDS[COMP_CWORD - 1]}" in
${valued(all)
  .map(([flag, words]) => `    ${flag}) words=${quote(words.join(" "))} ;;`)
  .join("\n")}
    *) case "$at" in
${all.map(({ at, words, options }) => `      ${quote(at)}) words=${quote([...words, ...options].map(({ text }) => text).join(" "))} ;;`).join("\n")}
    esac ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _trainyard trainyard`;
}

function zsh(all: readonly Place[]): string {
  const entries = (words: readonly Word[]) => words.map(({ text, help }) => quote(help ? `${text}:${help}` : text)).join(" ");
  return `#compdef trainyard
_trainyard() {
  local at="" word
  local -a entries
  for word in \${words[2,CURRENT-1]}; do
    case "$at $word" in
      ${steps(all)
        .map((step) => `${quote(step)}`)
        .join(" | ")}) at="\${at:+$at }$word" ;;
    esac
  done
  case "\${words[CURRENT-1]}" in
${valued(all)
  .map(([flag, words]) => `    ${flag}) entries=(${words.map(quote).join(" ")}) ;;`)
  .join("\n")}
    *) case "$at" in
${all.map(({ at, words, options }) => `      ${quote(at)}) entries=(${entries([...words, ...options])}) ;;`).join("\n")}
    esac ;;
  esac
  _describe trainyard entries || _files
}
compdef _trainyard trainyard`;
}

function fish(all: readonly Place[]): string {
  const plain = (text: string): string => `'${text.replace(/[\\']/g, "\\$&")}'`;
  const lines = all.flatMap(({ at, words, options }) => {
    const here = `complete -c trainyard -n ${plain(`__trainyard_at ${plain(at)}`)}`;
    return [
      ...words.map(({ text, help }) => `${here} -a ${plain(text)} -d ${plain(help)}`),
      ...options.map((o) => `${here} -l ${o.text.slice(2)}${o.values ? ` -x -a ${plain(o.values.join(" "))}` : ""} -d ${plain(o.help)}`),
    ];
  });
  return `# fish completion of trainyard
function __trainyard_at
  set -l at ''
  for word in (commandline -opc)[2..]
    switch "$at $word"
      case ${steps(all).map(plain).join(" ")}
        set at (string trim -- "$at $word")
    end
  end
  test "$at" = "$argv[1]"
end
${lines.join("\n")}`;
}
