/** What the server takes as the body of a request: JSON that the database can hold and nobody can be hurt with, and raw bytes where an endpoint takes them. */
import type { FastifyInstance } from "fastify";
import { type Endpoint, endpoints } from "../shared/api/endpoints.ts";
import { fail } from "../shared/errors.ts";

/** JSON, and raw bytes where an endpoint takes them; nothing else. */
export function parseBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  const parse = app.getDefaultJsonParser("error", "error");
  app.addContentTypeParser("application/json", { parseAs: "string" }, (request, text, done) => {
    const body = text as string;
    if (!body.trim()) return done(null, undefined);
    if (!isStorable(body))
      return done(fail("BAD_BODY", { want: "JSON whose text has no NUL and no broken surrogate pair", got: "it has one" }), undefined);
    if (isDeeper(body, MAX_DEPTH))
      return done(fail("BAD_BODY", { want: `JSON nested at most ${MAX_DEPTH} deep`, got: "it is nested deeper" }), undefined);
    return parse(request, body, done);
  });
  app.addContentTypeParser("application/octet-stream", (request, payload, done) => {
    const takes = request.operation && (endpoints[request.operation] as Endpoint).upload;
    done(takes ? null : fail("CONTENT_TYPE", { want: "application/json", got: "application/octet-stream" }), payload);
  });
}

/** Whether PostgreSQL can hold its text: neither its strings nor its JSON take NUL or half a surrogate pair. */
function isStorable(body: string): boolean {
  let low = -1; // where the second half of a pair has to be
  for (const { 1: hex = "", index } of body.matchAll(/\\(?:u([0-9a-fA-F]{4})|[\s\S])/g)) {
    const code = Number.parseInt(hex, 16);
    const isLow = code >= 0xdc00 && code <= 0xdfff;
    if (code === 0 || isLow !== (index === low) || (low >= 0 && !isLow)) return false;
    low = code >= 0xd800 && code <= 0xdbff ? index + 6 : -1;
  }
  return low < 0;
}

/** More than anything here needs; what is nested without end ends the stack of whoever walks it. */
const MAX_DEPTH = 100;

function isDeeper(body: string, limit: number): boolean {
  let depth = 0;
  for (let i = 0; i < body.length; i++) {
    const c = body.charCodeAt(i);
    if (c === 0x5b || c === 0x7b) {
      if (++depth > limit) return true;
    } else if (c === 0x5d || c === 0x7d) depth--;
    else if (c === 0x22) {
      do i = body.indexOf('"', i + 1);
      while (i >= 0 && isEscaped(body, i));
      if (i < 0) return false; // no JSON: the parser tells
    }
  }
  return false;
}

function isEscaped(body: string, at: number): boolean {
  let backslashes = 0;
  while (body[at - 1 - backslashes] === "\\") backslashes++;
  return backslashes % 2 === 1;
}
