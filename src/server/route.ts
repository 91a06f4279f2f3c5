/** What the HTTP server and the OpenAPI document are told of an operation. */
import { z } from "zod";
import { type Endpoint, endpoints, type OperationId } from "../shared/api/endpoints.ts";
import { errorBody } from "../shared/api/schemas.ts";

const idempotencyHeader = z.looseObject({
  "idempotency-key": z
    .string()
    .regex(/^[\x21-\x7e]{1,200}$/, { error: "must be 1 to 200 printable characters without spaces" })
    .optional()
    .meta({ description: "The same key creates once, however often the request is sent." }),
});

/** Media types of answers that are not JSON. */
export const mediaTypes: Readonly<Record<NonNullable<Endpoint["content"]>, string>> = {
  stream: "application/octet-stream",
  events: "text/event-stream",
  jsonl: "application/x-ndjson",
  page: "text/html; charset=utf-8",
  redirect: "text/html; charset=utf-8",
  picture: "image/png",
  text: "text/plain; version=0.0.4; charset=utf-8",
};

/** The answer that OpenAPI tells of. */
const success = ({ summary, response, content }: Endpoint): unknown =>
  content
    ? { description: summary, content: { [mediaTypes[content]]: { schema: z.string() } } }
    : (response ?? z.null().meta({ description: "Nothing more to say." }));

/** As Fastify takes it. */
export function routeOf(id: OperationId) {
  const endpoint: Endpoint = endpoints[id];
  const { method, path, summary, module, action, params, query, body, status = 200, creates } = endpoint;
  return {
    method,
    url: path.replace(/\{(\w+)\}/g, ":$1"),
    schema: {
      operationId: id,
      summary,
      tags: [module],
      security: action === "open" ? [] : [{ token: [] }, { session: [] }],
      ...(params && { params }),
      ...(query && { querystring: query }),
      ...(body && { body }),
      ...(creates && { headers: idempotencyHeader }),
      response: { [status]: success(endpoint), "4xx": errorBody, "5xx": errorBody },
    } as object,
  };
}
