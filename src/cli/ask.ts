/** Questions to the person at the terminal, asked on stderr. A password is not shown as it is typed. */
import { once } from "node:events";
import { createInterface } from "node:readline/promises";
import { addAbortSignal, Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { fail } from "../shared/errors.ts";
import { interrupted } from "./interrupt.ts";

export const atTerminal = (): boolean => process.stdin.isTTY === true;

const nowhere = (): Writable => new Writable({ write: (_chunk, _encoding, done) => done() });

/** @param hidden show nothing of what is typed */
export async function ask(question: string, { hidden = false } = {}): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: hidden ? nowhere() : process.stderr, terminal: true, historySize: 0 });
  terminal.on("SIGINT", () => process.kill(process.pid, "SIGINT")); // readline has taken Ctrl-C from the terminal
  if (hidden) process.stderr.write(question); // now that the terminal no longer repeats what is typed
  try {
    const gone = once(terminal, "close").then(() => Promise.reject(new Error("the terminal is gone")));
    return await Promise.race([terminal.question(hidden ? "" : question, { signal: interrupted }), gone]);
  } catch (cause) {
    throw fail("BAD_USAGE", { problem: "the input ended before there was an answer", fix: "Type it, or give it on stdin." }, cause); // Ctrl-D
  } finally {
    terminal.close();
    if (hidden) process.stderr.write("\n");
  }
}

/** All of stdin, but for the end of its last line. */
export const fromStdin = async (): Promise<string> => (await text(addAbortSignal(interrupted, process.stdin))).replace(/\r?\n$/, "");
