/** What all verbs share: a connection while they work, and an answer for people or for programs. */
import type { Command } from "commander";
import { fail } from "../shared/errors.ts";
import { type Connection, connect } from "./connect.ts";
import { print, printJson, say } from "./output.ts";
import { type Column, table } from "./table.ts";

export interface Answer {
  /** For programs: each becomes a line of JSON. */
  readonly lines: readonly unknown[];
  /** For people. */
  readonly text: () => string;
  /** For people, beside what is asked for: it goes to stderr. */
  readonly remark?: string;
  /** 0 unless said. */
  readonly exitCode?: number;
}

export const answer = (value: unknown, text: () => string, exitCode?: number): Answer => ({ lines: [value], text, exitCode });

/** What is shown this once, alone on stdout so that it can be piped. */
export const handOver = (value: unknown, secret: string, remark: string): Answer => ({ lines: [value], text: () => secret, remark });

/** @param none what to say instead of an empty table */
export const listing = <T>(items: readonly T[], columns: readonly Column<T>[], none: string): Answer => ({
  lines: items,
  text: () => (items.length ? table(columns, items) : none),
});

export function show({ lines, text, remark, exitCode }: Answer, json: boolean | undefined): void {
  if (json) for (const line of lines) printJson(line);
  else print(text());
  if (remark && !json) say(remark);
  if (exitCode) process.exitCode = exitCode;
}

export interface Options {
  readonly json?: boolean;
  /** Of commands that work in a project, or look for something by its name. */
  readonly project?: string;
}

/**
 * The action of a verb that asks the platform something and shows the answer.
 * @param workers that the platform must have, when the command is to open it itself
 */
export function verb<Args extends unknown[], O extends Options = Options>(
  perform: (connection: Connection, options: O, ...args: Args) => Promise<Answer>,
  workers = 0,
) {
  return async (...given: unknown[]): Promise<void> => {
    const command = given.pop() as Command;
    given.pop();
    const options = command.optsWithGlobals<O>();
    const connection = await connect({ workers, project: options.project });
    try {
      show(await perform(connection, options, ...(given as Args)), options.json);
    } finally {
      await connection.close();
    }
  };
}

/** A noun with verbs of its own; alone it does what `action` does. */
export function family(parent: Command, name: string, summary: string, action: (...given: unknown[]) => Promise<void>): Command {
  return parent
    .command(name)
    .summary(summary)
    .allowExcessArguments()
    .action(async (options: Options, command: Command) => {
      const [stray] = command.args;
      if (stray === undefined) return action(options, command);
      const known = command.commands.map((c) => c.name());
      throw fail("BAD_USAGE", { problem: `unknown command '${command.name()} ${stray}'`, fix: `Choose one of: ${known.join(", ")}.` });
    });
}

/** A verb with its help; the action follows. */
export const add = (parent: Command, usage: string, summary: string, description = `${capital(summary)}.`): Command =>
  parent.command(usage).summary(summary).description(description);

export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** Reads pages until there are `limit` items, or no more. */
export async function collect<T>(
  read: (page: { limit: number; cursor?: string }) => Promise<{ items: readonly T[]; next: string | null }>,
  limit: number,
): Promise<{ items: T[]; more: boolean }> {
  const items: T[] = [];
  let cursor: string | undefined;
  while (items.length < limit) {
    const { items: page, next } = await read({ limit: Math.min(500, limit - items.length), cursor });
    items.push(...page);
    if (next === null) return { items, more: false };
    cursor = next;
  }
  return { items, more: true };
}

/** For options that may be given several times. */
export const several = (value: string, before: readonly string[] = []): string[] => [...before, value];

/** @throws BAD_USAGE */
export function wholeNumber(flag: string, min: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < min)
      throw fail("BAD_USAGE", {
        problem: `${flag} must be an integer of at least ${min}, but is "${text}"`,
        fix: `Give ${flag} as an integer of at least ${min}.`,
      });
    return value;
  };
}
