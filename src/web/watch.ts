/** A run while it goes: what the server told of it, and then every change as it comes. Comes back by itself when the connection breaks. */
import { useEffect, useState } from "react";
import { isOver } from "../shared/api/schemas.ts";
import { TrainyardError } from "../shared/errors.ts";
import { client } from "./api.ts";
import { taken, type Watched } from "./series.ts";

const PAUSE_MS = 1000;
/** Messages that came within one frame are drawn once. */
const nothing: Watched = { curves: new Map() };

interface Watching extends Watched {
  /** Why nothing comes any more, or for now. */
  readonly error?: unknown;
}

/** @param again changes when the run may go on, as after it was resumed */
export function useWatched(id: string, again: number): Watching {
  const [watching, setWatching] = useState<Watching>(nothing);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `again` begins anew
  useEffect(() => {
    const stop = new AbortController();
    let watched = nothing;
    let frame = 0;
    const show = (error?: unknown) => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(() => setWatching({ ...watched, error }));
    };
    const follow = async () => {
      let last: string | undefined;
      let broke = false;
      while (!stop.signal.aborted) {
        try {
          if (broke) {
            // The stream says nothing before something happens: that the server is back is known by asking.
            const run = await client.call("getRun", { params: { id } }, { signal: stop.signal });
            watched = { ...watched, run, progress: run.progress };
            broke = false;
            show();
          }
          for await (const message of client.follow("followRun", { params: { id } }, last, { signal: stop.signal })) {
            last = message.id;
            watched = taken(watched, message);
            show();
          }
          if (watched.run && (isOver(watched.run.state) || watched.run.state === "draft")) return;
        } catch (error) {
          if (stop.signal.aborted) return;
          broke = true;
          show(error);
          // What is refused stays refused.
          if (error instanceof TrainyardError && error.status >= 400 && error.status < 500 && error.status !== 429) return;
        }
        await new Promise((done) => setTimeout(done, PAUSE_MS));
      }
    };
    void follow();
    return () => {
      stop.abort();
      cancelAnimationFrame(frame);
    };
  }, [id, again]);
  return watching;
}
