/** Every refusal and failure in the one shape, whoever found it: a module, Fastify, or Node before there was a request. */
import { randomUUID } from "node:crypto";
import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { type Endpoint, endpoints } from "../shared/api/endpoints.ts";
import type { ErrorBody } from "../shared/api/schemas.ts";
import { fail, type Problem, TrainyardError } from "../shared/errors.ts";
import { isUuid } from "./ids.ts";
import type { Kernel } from "./kernel.ts";

/** Bytes of the first line and all headers of a request. */
export const MAX_HEADER = 64 * 1024;

/** What is no HTTP that Node can read never becomes a request: it is answered on the socket, in the one shape all the same. */
export function refuseUnreadable(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) return void socket.destroy();
  const tooLong = error.code === "HPE_HEADER_OVERFLOW";
  const { code, message, fix } = tooLong
    ? fail("HEADERS_TOO_LARGE", { limit: MAX_HEADER })
    : fail("BAD_BODY", { want: "a request that can be read", got: error.message });
  const status = tooLong ? 431 : 400;
  const body = JSON.stringify({ error: { code, status, message, fix, details: {}, problems: [], requestId: randomUUID() } } satisfies ErrorBody);
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

/** Fastify's own refusals, in our words. */
const translated: Readonly<Record<string, (error: FastifyError, request: FastifyRequest) => TrainyardError>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: (_, request) =>
    fail("CONTENT_TYPE", {
      want: request.operation && (endpoints[request.operation] as Endpoint).upload ? "application/octet-stream" : "application/json",
      got: request.headers["content-type"] ?? "missing",
    }),
  FST_ERR_CTP_BODY_TOO_LARGE: (_, request) => fail("PAYLOAD_TOO_LARGE", { limit: request.routeOptions.bodyLimit }),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: (error) => fail("BAD_BODY", { want: "as long as its Content-Length says", got: error.message }),
  FST_ERR_CTP_INVALID_JSON_BODY: (error) => fail("BAD_BODY", { want: "JSON", got: `it does not parse (${error.message})` }),
};

function known(error: FastifyError, request: FastifyRequest): TrainyardError {
  if (error instanceof TrainyardError) return error;
  const translate = translated[error.code];
  if (translate) return translate(error, request);
  if (error.code === "ECONNRESET" && request.raw.destroyed)
    return fail("BAD_BODY", { want: "sent whole", got: "the connection was lost before its end" });
  if (error instanceof SyntaxError && error.statusCode === 400)
    return fail("BAD_BODY", { want: "JSON", got: `it does not parse (${error.message})` });
  if ((error.statusCode ?? 500) < 500) return fail("BAD_BODY", { want: "a request that can be read", got: error.message });
  return fail("INTERNAL", { detail: "the server failed to answer" }, error);
}

const anyUuid = /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g;

/** What an error says, with ids as the world has them instead of the rows' own. */
function renamed<T>(ids: ReadonlyMap<string, string>, said: T): T {
  if (typeof said === "string") return said.replace(anyUuid, (id) => ids.get(id) ?? id) as T;
  if (typeof said !== "object" || said === null || Array.isArray(said)) return said;
  return Object.fromEntries(Object.entries(said).map(([name, value]) => [name, renamed(ids, value)])) as T;
}

/** Why work on an answer ends that nobody waits for any more: a page that was left is no failure. */
export const GONE = new Error("whoever asked is gone");

/** Answers a request with what went wrong, in the one shape. */
export function sendError(kernel: Kernel, thrown: FastifyError | TrainyardError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const error = known(thrown as FastifyError, request);
  const { code, status, message, fix, details } = error;
  const ids = new Map(request.openedIds);
  // What a run became is named by no request.
  if (isUuid(details.experiment)) ids.set(details.experiment, kernel.ids.seal(details.experiment));
  const withIds = <T>(said: T): T => renamed(ids, said);
  if (status >= 500 && thrown !== GONE) {
    const { operation } = request;
    kernel.log.error(
      {
        err: error.cause ?? error,
        requestId: request.id,
        correlation: request.correlation,
        flow: operation ? endpoints[operation].module : "server",
        function: operation,
      },
      message,
    );
  }
  const { problems = [], ...rest } = withIds(details) as { problems?: Problem[] };
  if (code === "TOO_MANY_ATTEMPTS") reply.header("retry-after", String(details.seconds));
  if (status === 503) reply.header("retry-after", "1");
  if (code === "RANGE_NOT_SATISFIABLE") reply.header("content-range", `bytes */${details.size}`);
  // What is left of an upload that was refused is not waited for.
  if (!request.raw.complete) reply.header("connection", "close");
  const body: ErrorBody = {
    error: {
      code,
      status,
      message: withIds(message),
      fix: withIds(fix),
      details: rest,
      problems,
      requestId: request.id,
    },
  };
  return reply
    .code(status)
    .type("application/json")
    .serializer((value: unknown) => JSON.stringify(value))
    .send(body);
}
