/** Builds the HTTP server from the table of endpoints and the modules' handlers. Never listens. */
import { randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import sse from "@fastify/sse";
import swaggerUi from "@fastify/swagger-ui";
import Fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyPluginAsync,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerOptions,
  LogController,
} from "fastify";
import type { z } from "zod";
import { type Endpoint, endpoints, type OperationId } from "../shared/api/endpoints.ts";
import { run } from "../shared/api/schemas.ts";
import { fail, TrainyardError } from "../shared/errors.ts";
import { ApiDocument } from "./api-document.ts";
import { parseBodies } from "./bodies.ts";
import { checkOrigin, cookieName, headersOf } from "./browser.ts";
import { admit, type Grant } from "./gate.ts";
import type { Asked, Download, Handler, Handlers } from "./handler.ts";
import type { Kernel } from "./kernel.ts";
import { accountRoutes } from "./modules/accounts/routes.ts";
import { adminRoutes } from "./modules/admin/routes.ts";
import { artifactRoutes } from "./modules/artifacts/routes.ts";
import { bucketRoutes } from "./modules/buckets/routes.ts";
import { catalogRoutes } from "./modules/catalog/routes.ts";
import { datasetRoutes } from "./modules/datasets/routes.ts";
import { evaluationRoutes } from "./modules/evaluation/routes.ts";
import { eventRoutes } from "./modules/events/routes.ts";
import { experimentRoutes } from "./modules/experiments/routes.ts";
import { jobRoutes } from "./modules/jobs/routes.ts";
import { projectRoutes } from "./modules/projects/routes.ts";
import type { LiveMessage } from "./modules/runs/follow.ts";
import { runRoutes } from "./modules/runs/routes.ts";
import { trainingRoutes } from "./modules/training/routes.ts";
import { pages } from "./pages.ts";
import { opened, sealed } from "./public-ids.ts";
import { GONE, MAX_HEADER, refuseUnreadable, sendError } from "./refusals.ts";
import { mediaTypes, routeOf } from "./route.ts";
import { problemsOf } from "./validation.ts";
import { addWeb, webRoutes } from "./web.ts";

const handlers: Handlers<OperationId> = {
  ...catalogRoutes,
  ...datasetRoutes,
  ...trainingRoutes,
  ...runRoutes,
  ...artifactRoutes,
  ...evaluationRoutes,
  ...experimentRoutes,
  ...eventRoutes,
  ...jobRoutes,
  ...adminRoutes,
  ...accountRoutes,
  ...projectRoutes,
  ...bucketRoutes,
};

const MiB = 2 ** 20;
const BODY_LIMIT = 2 * MiB;
/** Bodies that may be larger: a picture in base64, a worker's points, the facts of a large network. */
const bodyLimits: Partial<Record<OperationId, number>> = {
  predictWithRun: 28 * MiB,
  predictWithExperiment: 28 * MiB,
  report: 32 * MiB,
  finishJob: 32 * MiB,
};
/** Operations that check their body themselves, so that they can tell its problems with others. */
const checksItself: ReadonlySet<OperationId> = new Set(["createRun", "checkTraining", "getChoices", "estimateRun"]);

declare module "fastify" {
  interface FastifyRequest {
    /** Who asks, and where they may; once the gate has let them in. */
    grant: Grant;
    correlation: string;
    operation?: OperationId;
    /** Ids of this request, as rows have them: an error may name them. */
    openedIds: Map<string, string>;
  }
}

/** What is no operation and open to anyone all the same: pages that say nothing of what is stored here. */
const publicPages = [...new Set([...Object.keys(pages), ...webRoutes]), "/openapi.json", "/docs"];
const isPublicPage = (url: string): boolean => publicPages.some((page) => url === page || (page === "/docs" && url.startsWith("/docs/")));
/** Whatever is neither in the table nor public would be open to anyone by mistake. */
function requireEntry({ url, schema }: { readonly url: string; readonly schema?: object }): void {
  const { operationId } = (schema ?? {}) as { operationId?: string };
  if (!(operationId && Object.hasOwn(endpoints, operationId)) && !isPublicPage(url))
    throw fail("INTERNAL", { detail: `route ${url} is neither in the table of endpoints nor a public page` });
}

/** Of every door, in milliseconds. Uploads take their time, long polls and streams are answers that do; headers and other bodies have limits of their own. */
export const patience = { requestTimeout: 0, headersTimeout: 20_000, keepAliveTimeout: 72_000 } as const;
/** How long a browser may keep a picture of a dataset: a name may mean another version afterwards. */
const PICTURE_SECONDS = 600;
/** How long a socket may be silent while something is to come from it, in milliseconds. An answer takes the time that it takes. */
const IDLE_MS = 120_000;
/** How long the rest of a body may take that is no upload, in milliseconds: who sends it byte by byte holds a socket. */
const BODY_MS = 60_000;

export async function buildApp(kernel: Kernel, version: string): Promise<FastifyInstance> {
  const { config } = kernel;
  const headers = Object.entries(headersOf(config));
  const { tls } = config;
  const app = Fastify({
    ...(tls && { https: { ...tls, minVersion: "TLSv1.2", maxHeaderSize: MAX_HEADER } }),
    trustProxy: config.proxies.length ? [...config.proxies] : false,
    loggerInstance: kernel.log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => randomUUID(),
    bodyLimit: BODY_LIMIT,
    exposeHeadRoutes: false,
    // What is too long is refused by the schemas, in our words, unless it is longer than any header may be.
    routerOptions: { maxParamLength: MAX_HEADER },
    ...(!tls && { http: { maxHeaderSize: MAX_HEADER } }),
    clientErrorHandler: refuseUnreadable,
    // An address that cannot be decoded reaches no route and no hook.
    frameworkErrors: (_, request, reply) => {
      const error = fail("BAD_USAGE", {
        problem: "the address has a % that begins no character",
        fix: "Write a % of its own as %25, other characters by the bytes of their UTF-8.",
      });
      for (const [name, value] of headers) reply.header(name, value);
      sendError(kernel, error, request as FastifyRequest, reply.header("x-request-id", request.id) as FastifyReply);
    },
    requestTimeout: patience.requestTimeout,
    connectionTimeout: IDLE_MS,
    keepAliveTimeout: patience.keepAliveTimeout,
    forceCloseConnections: true,
  } as FastifyServerOptions) as FastifyInstance;
  app.server.headersTimeout = patience.headersTimeout;
  app.server.maxHeadersCount = 100;
  app.decorateRequest("grant", null as never);
  app.decorateRequest("openedIds", null as never);
  app.decorateRequest("correlation", "");
  app.addHook("onRoute", requireEntry);

  app.setValidatorCompiler<z.ZodType>(({ schema, httpPart }) => (data) => {
    const { success, data: value } = schema.safeParse(data);
    if (success) return { value };
    return { error: fail("INVALID_REQUEST", { problems: problemsOf(schema, data, httpPart === "body" ? "" : httpPart) }) as never };
  });
  // Presenters name every field that goes out; the schemas describe answers, and Schemathesis compares the two.
  app.setSerializerCompiler(() => JSON.stringify);
  parseBodies(app);
  const notFound = (request: FastifyRequest, reply: FastifyReply) => {
    const path = request.url.split("?")[0]!;
    const all: Endpoint[] = Object.values(endpoints);
    const literal = all.filter((e) => e.path === path);
    const others = literal.length ? literal : all.filter((e) => pattern(e.path).test(path));
    if (others.length) reply.header("allow", [...new Set(others.map(({ method }) => method))].join(", "));
    return sendError(kernel, fail(others.length ? "NO_METHOD" : "NO_ROUTE", { method: request.method, path: path.slice(0, 200) }), request, reply);
  };
  // Before the plugins, as their routes pass here too.
  app.addHook("onRequest", async (request, reply) => {
    request.correlation = correlationOf(request);
    request.openedIds = new Map();
    reply.header("x-request-id", request.id);
    for (const [name, value] of headers) reply.header(name, value);
    const { operationId } = (request.routeOptions.schema ?? {}) as { operationId?: OperationId };
    request.operation = operationId;
    checkOrigin(request, config);
    if (/%00|#/.test(request.url)) throw fail("BAD_USAGE", { problem: "the address has a NUL character or a #", fix: "Leave it out." });
    const actor = await kernel.identity.who(request.headers);
    if (operationId) {
      const endpoint: Endpoint = endpoints[operationId];
      request.grant = await admit(kernel, actor, endpoint, request);
      if (!endpoint.upload) limitBody(request);
    } else if (request.is404 || !isPublicPage(request.routeOptions.url ?? "")) {
      // Who is nobody does not even learn what is not there.
      if (actor.kind === "nobody") throw fail("UNAUTHENTICATED", { detail: "nobody is signed in" });
      // Of what is not there the body does not matter.
      await notFound(request, reply);
    }
  });
  app.addHook("preHandler", async (request) => {
    const { operation } = request;
    if (!(operation && (endpoints[operation] as Endpoint).upload)) request.raw.socket.setTimeout(0);
  });
  app.addHook("onResponse", async (request, reply) => {
    const { operation } = request;
    request.raw.socket.setTimeout(IDLE_MS);
    if (!operation) return;
    kernel.telemetry.requestSeconds.observe({ operation, status: String(reply.statusCode) }, reply.elapsedTime / 1000);
    record(kernel, request, endpoints[operation], reply.statusCode);
    kernel.log.debug(
      {
        requestId: request.id,
        correlation: request.correlation,
        flow: endpoints[operation].module,
        function: operation,
        ms: Math.round(reply.elapsedTime),
        status: reply.statusCode,
      },
      "answered",
    );
  });
  app.setNotFoundHandler(notFound);
  app.setErrorHandler((error: FastifyError, request, reply) => sendError(kernel, error, request, reply));

  await app.register(sse as unknown as FastifyPluginAsync<SseOptions>, { heartbeatInterval: 15_000, serializer: jsonOnce() });
  const apiDocument = new ApiDocument({ version, cookie: cookieName(config) });
  await app.register(apiDocument.plugin);
  await app.register(swaggerUi, {
    routePrefix: "/docs",
    uiHooks: { onRequest: async () => void (await apiDocument.made()) },
    transformSpecification: (document) => document,
  });

  for (const id of Object.keys(endpoints) as OperationId[]) addRoute(app, kernel, id);
  app.get("/openapi.json", { schema: { hide: true } }, () => apiDocument.made());
  addWeb(app);
  for (const [path, { type, body }] of Object.entries(pages)) {
    if (webRoutes.includes(path)) continue;
    const text = body(config);
    app.get(path, { schema: { hide: true } }, (_, reply) => reply.type(type).send(text));
  }
  await app.ready();
  return app;
}

const pattern = (path: string): RegExp => new RegExp(`^${path.replace(/\{\w+\}/g, "[^/]+")}$`);

/** Ends who sends a body without end. */
function limitBody({ raw }: FastifyRequest): void {
  if (raw.complete) return;
  const late = setTimeout(() => raw.complete || raw.destroy(), BODY_MS).unref();
  raw.once("close", () => clearTimeout(late));
}

/** Given by who asks, so that what follows from one thing can be found together; else the request is its own beginning. */
function correlationOf({ headers, id }: FastifyRequest): string {
  const given = headers["x-correlation-id"];
  return typeof given === "string" && /^[\w.:-]{1,100}$/.test(given) ? given : id;
}

function addRoute(app: FastifyInstance, kernel: Kernel, id: OperationId): void {
  const endpoint: Endpoint = endpoints[id];
  const { content, status = 200, upload } = endpoint;
  app.route({
    ...routeOf(id),
    ...(content === "events" && { sse: "only" as const }),
    bodyLimit: upload ? kernel.config.maxUpload : (bodyLimits[id] ?? BODY_LIMIT),
    ...(checksItself.has(id) && { attachValidation: true }),
    handler: async (request, reply) => {
      const handler = handlers[id] as unknown as Handler<"getRun">;
      const answer: unknown = await handler(kernel, asked(kernel, request, reply, endpoint) as never, reply);
      reply.code(status);
      if (content === "events") {
        endWhenRevoked(kernel, request, reply, endpoint);
        return sendEvents(kernel, reply, answer as AsyncGenerator<LiveMessage>);
      }
      if (content === "stream") return sendFile(reply, answer as Download);
      if (content === "picture") return sendPicture(reply, answer as Uint8Array);
      if (content === "redirect") return reply.redirect((answer as { location: string }).location, 302);
      if (content === "page") return reply.type(mediaTypes.page).send(answer);
      if (content === "jsonl") return reply.type(mediaTypes.jsonl).send(Readable.from(answer as AsyncGenerator<string>));
      if (content === "text") return reply.type(mediaTypes.text).send(answer);
      return reply.send(sealed(kernel.ids, endpoint.response, answer));
    },
  });
}

function asked(kernel: Kernel, request: FastifyRequest, reply: FastifyReply, endpoint: Endpoint): Asked<OperationId> {
  const gone = new AbortController();
  // The answer's end, not the request's: a request that was read to its end is still waited for.
  reply.raw.once("close", () => gone.abort(GONE));
  const { headers, grant } = request;
  // What checks its body itself leaves the rest to be checked here.
  const { validationError } = request;
  if (validationError && validationError.validationContext !== "body") throw validationError;
  if (endpoint.body && request.body === undefined && !validationError) throw fail("BAD_BODY", { want: "JSON", got: "there is none" });
  const length = headers["content-length"];
  const { kind } = request.params as { kind?: string };
  // What an id in the path is of: of {kind}/{id} the kind, of jobs/{id} a job.
  const what = (endpoint.on === "entity" ? kind : /\/([a-z]+)s\/\{id\}/.exec(endpoint.path)?.[1]) ?? endpoint.on;
  const ids = remembering(kernel.ids, request.openedIds);
  const header = (name: string) => (typeof headers[name] === "string" ? headers[name] : undefined);
  return {
    params: opened(ids, endpoint.params, request.params, what),
    query: opened(ids, endpoint.query, request.query, endpoint.on === "project" ? "entity" : what),
    body: checksItself.has(request.operation!) ? request.body : opened(ids, endpoint.body, request.body, what),
    context: { actor: grant.actor.name, correlation: request.correlation },
    grant,
    address: request.ip,
    cookie: headers.cookie,
    key: endpoint.creates ? header("idempotency-key") : undefined,
    lastEventId: header("last-event-id"),
    range: rangeOf(header("range")),
    upload: endpoint.upload ? bodyStream(request.body, request) : undefined,
    length: length === undefined ? undefined : Number(length),
    signal: gone.signal,
  } as unknown as Asked<OperationId>;
}

/** Opens ids and takes note of which. */
const remembering = (ids: Kernel["ids"], noted: Map<string, string>): Pick<Kernel["ids"], "open"> => ({
  open(text) {
    const uuid = ids.open(text);
    if (uuid) noted.set(uuid, text);
    return uuid;
  },
});

/** The body as it comes. Whoever does not read it to its end leaves the connection open, as the answer goes over it. */
function bodyStream(body: unknown, request: FastifyRequest): AsyncIterable<Uint8Array> {
  if (body instanceof Readable) return body.iterator({ destroyOnReturn: false });
  if (body === undefined && request.headers["content-length"] === "0") return Readable.from([]);
  throw fail("CONTENT_TYPE", { want: "application/octet-stream", got: request.headers["content-type"] ?? "missing" });
}

/** One range of bytes (RFC 9110 section 14): what is no such range is as if it were not there. */
function rangeOf(header: string | undefined): Asked<OperationId>["range"] {
  const [, start, end] = /^bytes=(\d{1,15})-(\d{1,15})?$/.exec(header ?? "") ?? [];
  if (start === undefined || (end !== undefined && Number(end) < Number(start))) return undefined;
  return { start: Number(start), ...(end !== undefined && { end: Number(end) }) };
}

const sealedRuns = new WeakMap<object, object>();

/** The same object for all who follow it. */
function sealedRun(ids: Kernel["ids"], data: object): object {
  const known = sealedRuns.get(data) ?? sealed(ids, run, data);
  sealedRuns.set(data, known);
  return known;
}

interface SseOptions {
  readonly heartbeatInterval: number;
  readonly serializer: (data: object) => string;
}

/** Many follow one run, and are sent the same objects. */
function jsonOnce(): (data: object) => string {
  const texts = new WeakMap<object, string>();
  return (data) => {
    const text = texts.get(data) ?? JSON.stringify(data);
    texts.set(data, text);
    return text;
  };
}

/** A stream goes on for hours: when rights change, who follows is asked again whether they may. */
function endWhenRevoked(kernel: Kernel, request: FastifyRequest, reply: FastifyReply, endpoint: Endpoint): void {
  const { actor } = request.grant;
  const off = kernel.identity.onForget(async (user) => {
    if (user !== undefined && !(actor.kind === "person" && actor.id === user)) return;
    try {
      await admit(kernel, await kernel.identity.who(request.headers), endpoint, request);
    } catch (error) {
      if (error instanceof TrainyardError && error.status < 500) reply.raw.destroy();
    }
  });
  reply.raw.once("close", off);
}

async function sendEvents({ ids }: Kernel, reply: FastifyReply, messages: AsyncGenerator<LiveMessage>): Promise<void> {
  // The first message decides whether there is anything to follow: until then a refusal is an ordinary answer.
  const first = await messages.next();
  if (!reply.sse.isConnected) return void (await messages.return(undefined));
  reply.header("cache-control", "no-store");
  const shown = (message: LiveMessage): LiveMessage =>
    message.event === "run" ? { ...message, data: sealedRun(ids, message.data as object) } : message;
  async function* all() {
    if (first.done) return;
    yield shown(first.value);
    for await (const message of messages) yield shown(message);
  }
  await reply.sse.send(all());
}

/** Browsers save a file under this name: a plain one for all, the whole of it for those that read RFC 8187, without what changes how it looks. */
function attachment(filename: string): string {
  const plain = filename.replace(/[^\w.-]/g, "_");
  if (plain === filename) return `attachment; filename="${plain}"`;
  const whole = filename.replace(/[\p{Cc}\p{Bidi_Control}\p{Surrogate}/\\]/gu, "_");
  const encoded = encodeURIComponent(whole).replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`;
}

/** User bytes: an attachment of fixed type, whatever they are. */
function sendFile(reply: FastifyReply, file: Download | { readonly location: string }): FastifyReply {
  if ("location" in file) return reply.redirect(file.location, 302);
  const { body, size, filename } = file;
  const range = rangeOf(reply.request.headers.range);
  reply.header("accept-ranges", "bytes").header("content-disposition", attachment(filename));
  reply.header("content-security-policy", "default-src 'none'; sandbox").type(mediaTypes.stream);
  if (range) {
    const end = Math.min(range.end ?? size - 1, size - 1);
    reply
      .code(206)
      .header("content-range", `bytes ${range.start}-${end}/${size}`)
      .header("content-length", end - range.start + 1);
  } else reply.header("content-length", size);
  return reply.send(body);
}

/** A picture that was made here of stored pixels: it never changes. */
const sendPicture = (reply: FastifyReply, png: Uint8Array): FastifyReply =>
  reply
    .type(mediaTypes.picture)
    .header("cache-control", `private, max-age=${PICTURE_SECONDS}`)
    .header("content-security-policy", "default-src 'none'; sandbox")
    .send(Buffer.from(png.buffer, png.byteOffset, png.byteLength));

/** The exchange of client and module, as two messages: what was asked and what came of it. */
function record({ messages }: Kernel, request: FastifyRequest, { module, exchange }: Endpoint, status: number): void {
  if (!exchange) return;
  const { aggregator } = exchange;
  const common = { aggregator, mode: "sync", correlation: request.correlation } as const;
  const there = { ...common, source: "client", destination: module, payload: exchange.request };
  const back = { ...common, source: module, destination: "client", payload: status < 400 ? exchange.answer : exchange.refused };
  for (const one of [there, back]) for (const direction of ["send", "receive"] as const) messages.record({ ...one, direction });
}
