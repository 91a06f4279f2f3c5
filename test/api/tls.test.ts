/** TLS: the server's own, with a certificate that is made here; who is on the machine needs none. */
import { readFileSync } from "node:fs";
import { request } from "node:https";
import { expect, test } from "vitest";
import { createClient } from "../../src/shared/api/client.ts";
import { available, makeCertificate } from "../certificate.ts";
import { freshPlace, password, secretIn, startTestPlatform } from "../platform.ts";

test.skipIf(!available)(
  "everything goes over TLS, and browsers are told to stay with it; commands and workers of the machine itself use the loopback",
  async () => {
    const place = await freshPlace();
    const { cert, key } = makeCertificate(place.home);
    const env = { TRAINYARD_TLS_CERT: cert, TRAINYARD_TLS_KEY: key, TRAINYARD_PUBLIC_URL: "https://trainyard.example" };
    const platform = await startTestPlatform({ place, env });
    expect(platform.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
    const { port } = new URL(platform.url);
    const ask = (method: string, path: string, headers: Record<string, string> = {}, body?: object) =>
      new Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; text: string }>((done, failed) => {
        const sent = request(
          {
            host: "127.0.0.1",
            port,
            method,
            path,
            ca: readFileSync(cert),
            servername: "trainyard.example",
            headers: { host: "trainyard.example", ...(body && { "content-type": "application/json" }), ...headers },
          },
          (answer) => {
            let text = "";
            answer.setEncoding("utf8").on("data", (part) => {
              text += part;
            });
            answer.on("end", () => done({ status: answer.statusCode!, headers: answer.headers, text }));
          },
        );
        sent.on("error", failed);
        sent.end(body && JSON.stringify(body));
      });
    const answer = await ask("GET", "/health/live");
    expect([answer.status, answer.headers["strict-transport-security"]]).toEqual([200, "max-age=31536000"]);
    expect((await ask("GET", "/api/runs")).status).toBe(401);

    // Signing in: the cookie is for TLS and this host alone.
    const { url } = (await platform.setupLink())!;
    expect(url).toMatch(/^https:\/\/trainyard\.example\/join#tyl_/);
    const used = await ask("POST", "/api/links/use", { origin: "https://trainyard.example" }, { link: secretIn(url), name: "root", password });
    expect(used.headers["set-cookie"]).toEqual([
      expect.stringMatching(/^__Host-trainyard=tys_[\w-]+; Path=\/; Expires=.*; HttpOnly; SameSite=Strict; Secure$/),
    ]);
    const cookie = (used.headers["set-cookie"] as string[])[0]!.split(";")[0]!;
    expect((await ask("GET", "/api/me", { cookie })).status).toBe(200);
    expect((await ask("GET", "/api/me", { cookie: cookie.replace("__Host-", "") })).status).toBe(401);

    // Without TLS there is no door but the machine's own.
    await expect(fetch(platform.url.replace("https", "http"))).rejects.toThrow();
    const local = createClient({ url: platform.localUrl, token: platform.machineToken, patience: 0 });
    expect(await local.call("whoAmI", {})).toMatchObject({ name: "owner", by: "machine" });
    expect(platform.localUrl).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  },
);
