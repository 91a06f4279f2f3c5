/** Files on their way into a bucket: a few at once, each told how far it is, cancelled and tried again alone. */
import { useCallback, useEffect, useRef, useState } from "react";
import { refusal } from "../shared/api/client.ts";
import { TrainyardError } from "../shared/errors.ts";
import { t } from "./texts.ts";

const AT_ONCE = 2;

export interface Sent {
  readonly id: number;
  readonly bucket: string;
  readonly name: string;
  readonly file: File;
  readonly state: "waiting" | "sending" | "stored" | "failed" | "cancelled";
  /** From 0 to 1. */
  readonly share: number;
  readonly replace: boolean;
  readonly error?: unknown;
}

export const addressOf = (bucket: string, name: string): string =>
  `/api/buckets/${encodeURIComponent(bucket)}/object?name=${encodeURIComponent(name)}`;

/** Sends one. `fetch` cannot tell how much of a body is gone, so it is the elder way. @throws what the server refuses */
function send({ bucket, name, file, replace }: Sent, told: (share: number) => void, signal: AbortSignal): Promise<void> {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    request.open("PUT", `${addressOf(bucket, name)}${replace ? "&replace=true" : ""}`);
    request.setRequestHeader("content-type", "application/octet-stream");
    request.upload.onprogress = ({ loaded, total }) => told(total ? loaded / total : 1);
    request.onload = () => {
      if (request.status === 200) return done();
      const { status, responseText } = request;
      void refusal(new Response(responseText, { status: status || 502 }), location.origin).then(failed);
    };
    request.onerror = () => failed(new Error(t.buckets.lost));
    request.onabort = () => failed(signal.reason);
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(file);
  });
}

export const isRefusal = (error: unknown, code: string): boolean => error instanceof TrainyardError && error.code === code;

/** @param stored is called when one has arrived */
export function useSending(stored: (one: Sent) => void) {
  const [all, setAll] = useState<readonly Sent[]>([]);
  const stops = useRef(new Map<number, AbortController>());
  const last = useRef(0);
  const change = useCallback((id: number, to: Partial<Sent>) => setAll((now) => now.map((one) => (one.id === id ? { ...one, ...to } : one))), []);
  const onStored = useRef(stored);
  onStored.current = stored;

  useEffect(() => {
    const free = AT_ONCE - stops.current.size;
    for (const one of all.filter(({ id, state }) => state === "waiting" && !stops.current.has(id)).slice(0, Math.max(free, 0))) {
      const stop = new AbortController();
      stops.current.set(one.id, stop);
      change(one.id, { state: "sending", share: 0, error: undefined });
      send(one, (share) => change(one.id, { share }), stop.signal)
        .finally(() => stops.current.delete(one.id))
        .then(
          () => {
            change(one.id, { state: "stored", share: 1 });
            onStored.current(one);
          },
          (error: unknown) => change(one.id, stop.signal.aborted ? { state: "cancelled" } : { state: "failed", error }),
        );
    }
  }, [all, change]);

  // What is under way ends with the page: the browser asks first when one leaves the application.
  const busy = all.some(({ state }) => state === "waiting" || state === "sending");
  useEffect(() => {
    if (!busy) return undefined;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener("beforeunload", ask);
    return () => removeEventListener("beforeunload", ask);
  }, [busy]);
  useEffect(() => {
    const running = stops.current;
    return () => {
      for (const stop of running.values()) stop.abort();
    };
  }, []);

  return {
    all,
    add: (bucket: string, prefix: string, files: readonly File[]) => {
      const made = files.map((file): Sent => {
        last.current += 1;
        return { id: last.current, bucket, name: prefix + file.name, file, state: "waiting", share: 0, replace: false };
      });
      setAll((now) => [...now, ...made]);
    },
    again: (id: number, replace: boolean) => change(id, { state: "waiting", share: 0, replace, error: undefined }),
    cancel: (id: number) => {
      const running = stops.current.get(id);
      if (running) running.abort();
      else change(id, { state: "cancelled" });
    },
    forget: () => setAll((now) => now.filter(({ state }) => state === "waiting" || state === "sending")),
  };
}
