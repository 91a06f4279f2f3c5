/** A typed client of the server, derived from the table of endpoints. CLI, workers and web use it. */
import { fail, remoteError, type TrainyardError } from "../errors.ts";
import { type Call, type Endpoint, endpoints, type OperationId, type Outgoing } from "./endpoints.ts";
import { errorBody } from "./schemas.ts";

export interface ClientOptions {
  /** http://127.0.0.1:4600 */
  readonly url: string;
  readonly token?: string;
  /** How long to try again while the server is away or not ready, in seconds. */
  readonly patience?: number;
  readonly signal?: AbortSignal;
  /** How a request is sent, where not as the platform does. */
  readonly fetch?: typeof fetch;
}

export interface Sending {
  readonly signal?: AbortSignal;
  /** Of a POST that creates: the same key creates once, however often it is sent. One is made up unless given. */
  readonly idempotencyKey?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A server-sent event, its data parsed. */
export interface LiveEvent {
  readonly id: string;
  readonly event: string;
  // biome-ignore lint/suspicious/noExplicitAny: each kind of event has a shape of its own
  readonly data: any;
}

/** Answers that a later try may change: too many requests, and a server, database or store that is away. */
const passing = new Set([429, 502, 503, 504]);
/** Requests that may be sent twice: reading, and what the server knows to be the same. */
const repeatable = (e: Endpoint): boolean => e.method !== "POST" || e.creates === true || e.action === "work" || e.action === "read";

export type Client = ReturnType<typeof createClient>;

export function createClient({ url, token, patience = 20, signal: always, fetch = globalThis.fetch }: ClientOptions) {
  const base = url.replace(/(?<!\/)\/+$/, "");

  /** @param read takes in the answer; an answer that breaks off on the way is as none */
  async function send<T>(
    operation: OperationId,
    call: object,
    body: string | Uint8Array | Blob | undefined,
    sending: Sending,
    read: (response: Response) => Promise<T>,
  ): Promise<T> {
    const endpoint: Endpoint = endpoints[operation];
    const { params = {}, query = {} } = call as { params?: Record<string, string>; query?: Record<string, unknown> };
    const path = endpoint.path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(params[name])));
    const search = new URLSearchParams(
      Object.entries(query).flatMap(([k, v]) =>
        v === undefined ? [] : (Array.isArray(v) ? v : [v]).map((one): [string, string] => [k, String(one)]),
      ),
    ).toString();
    const headers: Record<string, string> = {
      accept: endpoint.content === "events" ? "text/event-stream" : endpoint.content ? "*/*" : "application/json",
      ...(token && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { "content-type": endpoint.upload ? "application/octet-stream" : "application/json" }),
      ...(endpoint.creates && { "idempotency-key": sending.idempotencyKey ?? globalThis.crypto.randomUUID() }),
      ...sending.headers,
    };
    const signals = [always, sending.signal].filter((s) => s !== undefined);
    const signal = signals.length ? AbortSignal.any(signals) : undefined;
    const giveUp = Date.now() + 1000 * patience;
    for (let pause = 100; ; pause = Math.min(2 * pause, 3000)) {
      let response: Response;
      try {
        response = await fetch(`${base}${path}${search && `?${search}`}`, {
          method: endpoint.method,
          headers,
          body,
          signal,
          ...(endpoint.upload && { duplex: "half" }),
        } as RequestInit);
        if (response.ok) return await read(response);
      } catch (cause) {
        if (signal?.aborted) throw signal.reason;
        // Refused connections never reached the server, so even what is not repeatable may be tried again.
        const refused = (cause as { cause?: { code?: string } }).cause?.code === "ECONNREFUSED";
        if ((refused || repeatable(endpoint)) && Date.now() < giveUp) {
          await sleep(pause, signal);
          continue;
        }
        throw fail("SERVER_UNREACHABLE", { url: base, detail: ((cause as Error).cause as Error | undefined)?.message ?? String(cause) }, cause);
      }
      if (passing.has(response.status) && repeatable(endpoint) && Date.now() < giveUp) {
        await response.body?.cancel();
        await sleep(Math.max(pause, 1000 * Number(response.headers.get("retry-after") ?? 0)), signal);
        continue;
      }
      throw await refusal(response, base);
    }
  }

  return {
    url: base,

    /**
     * Calls an operation with JSON in and out.
     * @throws what the server refuses, with its code, message and fix; SERVER_UNREACHABLE
     */
    async call<O extends OperationId>(operation: O, call: Call<O>, sending: Sending = {}): Promise<Outgoing<O>> {
      const { body } = call as { body?: unknown };
      return send(operation, call, body === undefined ? undefined : JSON.stringify(body), sending, json<O>);
    },

    /** Sends raw bytes. */
    upload<O extends OperationId>(operation: O, call: Call<O>, bytes: Uint8Array | Blob, sending: Sending = {}): Promise<Outgoing<O>> {
      return send(operation, call, bytes, sending, json<O>);
    },

    /** The answer as it comes. Cancel its body when not reading to the end. */
    download<O extends OperationId>(operation: O, call: Call<O>, sending: Sending = {}): Promise<Response> {
      return send(operation, call, undefined, sending, asIs);
    },

    /** Server-sent events of one connection, from after `lastEventId`; ends when the server ends it, throws when the connection breaks. */
    async *follow<O extends OperationId>(operation: O, call: Call<O>, lastEventId?: string, sending: Sending = {}): AsyncGenerator<LiveEvent> {
      const headers: Record<string, string> = lastEventId === undefined ? {} : { "last-event-id": lastEventId };
      const response = await send(operation, call, undefined, { ...sending, headers }, asIs);
      yield* parseEvents(response.body!);
    },
  };
}

const asIs = async (response: Response): Promise<Response> => response;
const json = async <O extends OperationId>(response: Response): Promise<Outgoing<O>> =>
  (response.status === 204 ? undefined : await response.json()) as Outgoing<O>;

/** Reads a text/event-stream (https://html.spec.whatwg.org/multipage/server-sent-events.html); comments are heartbeats and are passed over. */
async function* parseEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<LiveEvent> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of body) {
    const blocks = (rest + decoder.decode(chunk, { stream: true })).split("\n\n");
    rest = blocks.pop()!;
    for (const block of blocks) {
      const fields = Object.fromEntries(block.split("\n").map((line) => line.split(/: ?(.*)/s) as [string, string]));
      if (fields.data !== undefined) yield { id: fields.id ?? "", event: fields.event ?? "message", data: JSON.parse(fields.data) };
    }
  }
}

/** What an answer says that is none of what was asked for. */
export async function refusal(response: Response, url: string): Promise<TrainyardError> {
  const text = await response.text().catch(() => "");
  try {
    return remoteError(errorBody.parse(JSON.parse(text)).error);
  } catch {
    return fail("SERVER_UNREACHABLE", { url, detail: `it answers ${response.status} ${text.slice(0, 80)}` });
  }
}

const sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
  new Promise((done, failed) => {
    const stop = () => {
      clearTimeout(timer);
      failed(signal!.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      done();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
