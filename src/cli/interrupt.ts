/** What Ctrl-C does. Unless a verb has something better to do, what is under way is broken off. */

/** Ends the program with exit code 130 and no further word. */
export class Interrupted extends Error {}

/** npm passes on a signal that the terminal has sent already: within so many milliseconds both are one. */
const AT_ONCE = 2000;

const breakOff = new AbortController();
let handler = () => breakOff.abort(new Interrupted());

/** Aborts when what is under way is to be broken off. */
export const interrupted: AbortSignal = breakOff.signal;

/** Called once, by main. A reader of the output that goes away (`| head`) counts as Ctrl-C. */
export function catchInterrupts(): void {
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => handler());
  for (const output of [process.stdout, process.stderr]) {
    output.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") process.exit(1);
      handler();
    });
  }
}

/** While `work` goes on, Ctrl-C asks it to end, which may take a moment. One that comes later does not wait. */
export async function onInterrupt<T>(askToEnd: () => void, work: () => Promise<T>): Promise<T> {
  const before = handler;
  let asked: number | undefined;
  handler = () => {
    if (asked === undefined) {
      asked = Date.now();
      askToEnd();
    } else if (Date.now() - asked > AT_ONCE) process.exit(130);
  };
  try {
    return await work();
  } finally {
    handler = before;
  }
}
