/** The web application as the build made it (dist/web): one page at many addresses, and its files, whose names say their content. */
import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { extname } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { FastifyInstance } from "fastify";
import { inPackage } from "../shared/code.ts";
import { webPaths } from "../shared/web-paths.ts";
import { CONTENT_POLICY } from "./browser.ts";

const folder = inPackage("dist/web/");
/** False from sources that were not built: then there are the pages without an application alone. */
export const isBuilt: boolean = existsSync(folder);
const files = isBuilt ? readdirSync(new URL("assets/", folder)) : [];
const types: Readonly<Record<string, string>> = { ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8" };

/** As routes: each file by its own, so that no path leads anywhere else. */
export const webRoutes: readonly string[] = isBuilt ? [...webPaths, ...files.map((name) => `/assets/${name}`)] : [];

const compress = promisify(gzip);

export function addWeb(app: FastifyInstance): void {
  if (!isBuilt) return;
  const index = readFileSync(new URL("index.html", folder), "utf8");
  const hidden = { schema: { hide: true } };
  for (const path of webPaths) {
    app.get(path, hidden, (_, reply) => {
      // The style elements that the page makes carry it: all others are refused.
      const nonce = randomBytes(16).toString("base64");
      return reply
        .type("text/html; charset=utf-8")
        .header("cache-control", "no-cache")
        .header("content-security-policy", `${CONTENT_POLICY}; style-src 'self' 'nonce-${nonce}'`)
        .send(index.replace('name="style-nonce" content=""', `name="style-nonce" content="${nonce}"`));
    });
  }
  for (const name of files) {
    const content = () => readFile(new URL(`assets/${name}`, folder));
    let packed: Buffer | undefined;
    app.get(`/assets/${name}`, hidden, async (request, reply) => {
      reply.type(types[extname(name)] ?? "application/octet-stream").header("cache-control", "public, max-age=31536000, immutable");
      reply.header("vary", "accept-encoding");
      if (!/\bgzip\b/.test(request.headers["accept-encoding"] ?? "")) return reply.send(await content());
      packed ??= await compress(await content());
      return reply.header("content-encoding", "gzip").send(packed);
    });
  }
}
