/** One question at a time: what is asked meanwhile waits, and of that only the newest, so that a server is never behind. */
import { useCallback, useEffect, useRef, useState } from "react";

export interface Latest<I, O> {
  readonly ask: (input: I) => void;
  readonly answer: O | undefined;
  readonly error: unknown;
  readonly busy: boolean;
  readonly clear: () => void;
}

export function useLatest<I, O>(work: (input: I) => Promise<O>): Latest<I, O> {
  const [{ answer, error, busy }, set] = useState<{ answer?: O; error?: unknown; busy: boolean }>({ busy: false });
  const waiting = useRef<{ readonly input: I } | undefined>(undefined);
  const running = useRef(false);
  /** Of the questions asked so far those that still count. */
  const round = useRef(0);
  const current = useRef(work);
  useEffect(() => {
    current.current = work;
  }, [work]);
  const ask = useCallback(async (input: I) => {
    waiting.current = { input };
    if (running.current) return;
    running.current = true;
    set((before) => ({ ...before, busy: true }));
    while (waiting.current) {
      const next = waiting.current.input;
      const asked = round.current;
      waiting.current = undefined;
      const told = await current.current(next).then(
        (answer) => ({ answer, busy: true }),
        (error: unknown) => ({ error, busy: true }),
      );
      if (asked === round.current) set(told);
    }
    running.current = false;
    set((before) => ({ ...before, busy: false }));
  }, []);
  const clear = useCallback(() => {
    round.current++;
    waiting.current = undefined;
    set({ busy: false });
  }, []);
  return { ask: (input) => void ask(input), answer, error, busy, clear };
}
