/** How the pages' requests reach the server: they notice that it is away, and wait for who must sign in again, so that what is under way and typed goes on. */
import { onlineManager } from "@tanstack/react-query";
import { endpoints } from "../shared/api/endpoints.ts";
import { errorBody } from "../shared/api/schemas.ts";

const PROBE_MS = 1000;
/** What a proxy answers in the place of a server that is away. */
const nobodyThere = new Set([502, 504]);

/** Where one waits for a person to sign in again. */
let waiting: { readonly over: Promise<void>; readonly end: () => void } | undefined;
const listeners = new Set<() => void>();
const tell = () => {
  for (const listener of listeners) listener();
};

/** Whether somebody's time to be signed in has run out: to be read by useSyncExternalStore. */
export const expiry = {
  subscribe(listener: () => void): () => void {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  },
  isOver: (): boolean => waiting !== undefined,
  /** Signed in again: what waited is sent once more. */
  mended(): void {
    waiting?.end();
    waiting = undefined;
    tell();
  },
};

function signedInAgain(): Promise<void> {
  if (!waiting) {
    let end = () => {};
    const over = new Promise<void>((done) => {
      end = done;
    });
    waiting = { over, end };
    tell();
  }
  return waiting.over;
}

/** Says that the server is away, and asks for it until it is back. */
async function away(): Promise<void> {
  if (!onlineManager.isOnline()) return;
  onlineManager.setOnline(false);
  while (!onlineManager.isOnline()) {
    await new Promise((done) => setTimeout(done, PROBE_MS));
    const answer = await fetch(endpoints.ready.path).catch(() => undefined);
    if (answer?.ok) onlineManager.setOnline(true);
  }
}

const isUnknown = async (response: Response): Promise<boolean> => {
  if (response.status !== 401) return false;
  const body = errorBody.safeParse(
    await response
      .clone()
      .json()
      .catch(() => undefined),
  );
  return body.success && body.data.error.code === "UNAUTHENTICATED";
};

/** @param wasSignedIn false: who is not signed in never was, and is answered so */
export const reaching =
  (wasSignedIn: () => boolean): typeof fetch =>
  async (input, init) => {
    for (;;) {
      let response: Response;
      try {
        response = await fetch(input, init);
      } catch (error) {
        if (!init?.signal?.aborted) void away();
        throw error;
      }
      if (nobodyThere.has(response.status)) void away();
      if (!wasSignedIn() || !(await isUnknown(response))) return response;
      await signedInAgain();
      init?.signal?.throwIfAborted();
    }
  };
