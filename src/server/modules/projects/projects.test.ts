/** Projects: what lies in one exists for nobody outside; roles, route by route; sharing; what two people do at once; ids. */
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { HandWorker } from "../../../../test/hand-worker.ts";
import { register, startTestPlatform, tiny, verdict } from "../../../../test/platform.ts";
import { type Endpoint, endpoints } from "../../../shared/api/endpoints.ts";
import type { Role } from "../../../shared/api/schemas.ts";

const platform = await startTestPlatform();
const { client, kernel, raw, as, account, eventCount } = platform;
const hand = new HandWorker(platform);
const dropped = { outcome: "failed", error: { code: "DROPPED", status: 422, message: "dropped by the test", fix: "" } } as const;
const things = { run: "", experiment: "", dataset: "", job: "", share: "", project: "", file: "" };
const tokens: Record<"viewer" | "trainer" | "admin" | "outsider", string> = { viewer: "", trainer: "", admin: "", outsider: "" };

/** Everything of project `alpha`, and people with each role in it; one is in `beta` only. */
beforeAll(async () => {
  things.project = (await client.call("createProject", { body: { name: "alpha" } })).id;
  await client.call("createProject", { body: { name: "beta" } });
  tokens.viewer = await account("viewer-of-alpha", "viewer", "alpha");
  tokens.trainer = await account("trainer-of-alpha", "trainer", "alpha");
  // Of the project, not of the platform.
  tokens.admin = await account("admin-of-alpha", "trainer", "alpha");
  await client.call("setMember", { params: { id: "alpha", user: "admin-of-alpha" }, body: { role: "admin" } });
  tokens.outsider = await account("outsider", "trainer", "beta");
  const inAlpha = { query: { project: "alpha" } };
  await hand.flowers();
  const made = await client.call("createRun", { body: { ...tiny, dataset: { id: "iris" } }, ...inAlpha });
  await hand.train(made.id, { points: [{ series: "train_loss", steps: [0, 1], values: [1, 0.5] }] });
  things.experiment = (await client.call("archiveRun", { params: { id: made.id } })).id;
  things.run = (await client.call("createRun", { body: { ...tiny, dataset: { id: "iris" }, draft: true, name: "secret-of-alpha" }, ...inAlpha })).id;
  const dataset = await register(platform, "flowers-of-alpha", undefined, "alpha");
  [things.dataset, things.file] = [dataset.id, dataset.files[0]!.sha256];
  const { items } = await client.call("listJobs", { query: { kind: "ingest" } });
  things.job = items.find(({ subject }) => subject.id === things.dataset)!.id;
  things.share = (await client.call("shareRun", { params: { id: things.run }, body: {} })).share.id;
});

const table = Object.entries(endpoints as Readonly<Record<string, Endpoint>>);
const kinds = ["run", "experiment", "dataset", "job", "share"] as const;

/** The address of a route, about something of `alpha`. */
function address({ path, on }: Endpoint): string {
  const id = on === "member" ? things.project : on === "entity" ? things.run : things[on as keyof typeof things] || "nothing";
  const filled = path
    .replace("{kind}", on === "entity" ? "run" : "models")
    .replace("{id}", id)
    .replace("{user}", "outsider")
    .replace("{name}", "none.txt")
    .replace("{other}", things.dataset)
    .replace("{sha256}", things.file || "0".repeat(64));
  if (["/api/runs/compare", "/api/runs/significance"].includes(path)) return `${filled}?id=${things.run}&id=${things.run}`;
  return on === "project" ? `${filled}?project=alpha` : filled;
}

/** What a role may do with what lies in its project, as DESIGN.md says it: written down here once more, so that the gate is compared with something. */
const may: Readonly<Record<string, readonly string[]>> = {
  viewer: ["read", "serve"],
  trainer: ["read", "serve", "train"],
  admin: ["read", "serve", "train", "manage"],
};

describe("a route", () => {
  // A transfer is of whoever began it alone: transfers.test.ts.
  const ofProject = table.filter(
    ([, { on, path }]) =>
      !path.startsWith("/api/transfers/") && (on === "project" || on === "member" || on === "entity" || (kinds as readonly string[]).includes(on)),
  );

  test.each(ofProject.filter(([, { action }]) => action !== "work"))(
    "%s: what lies in a project does not exist outside, and in it each role does what it may",
    async (_, endpoint) => {
      const ask = (who: keyof typeof tokens, path = address(endpoint)) =>
        // What is wrong with the body is told after who may not is refused, so nothing happens.
        raw(path, {
          method: endpoint.method,
          headers: { authorization: `Bearer ${tokens[who]}` },
          ...(endpoint.body && { body: { nonsense: true } }),
        });
      const before = await eventCount();
      const outside = await ask("outsider");
      expect(["outsider", outside.status, outside.json.error.code]).toEqual(["outsider", 404, "NOT_FOUND"]);
      expect(outside.text).not.toContain("secret-of-alpha");
      for (const role of ["viewer", "trainer", "admin"] as const) {
        if (may[role]!.includes(endpoint.action)) continue;
        const answer = await ask(role);
        expect([role, answer.status, answer.json.error.code]).toEqual([role, 403, "FORBIDDEN"]);
      }
      expect(await eventCount()).toBe(before);
      // What would change something without a body is left to the tests of it.
      if (endpoint.method !== "GET" && !endpoint.body) return;
      for (const role of ["viewer", "trainer", "admin"] as const) {
        if (!may[role]!.includes(endpoint.action) || endpoint.content === "events") continue;
        const { status, json } = await ask(role);
        expect([role, status === 401 || status === 403 || json?.error?.code === "NOT_FOUND"]).toEqual([role, false]);
      }
    },
  );

  test.each(table.filter(([, { on, action }]) => (on === "server" || on === "queue") && action !== "open"))(
    "%s is the platform's: no role in a project opens it",
    async (_, { path, method }) => {
      for (const role of ["viewer", "trainer", "admin", "outsider"] as const) {
        const { status } = await raw(path.replace("{id}", things.job), { method, headers: { authorization: `Bearer ${tokens[role]}` } });
        expect([role, status]).toEqual([role, 403]);
      }
    },
  );
});

describe("lists", () => {
  test("are of the projects that one may see: no name, number or id of another ever comes out", async () => {
    const outsider = as(tokens.outsider);
    const all = await Promise.all([
      outsider.call("listRuns", {}),
      outsider.call("listRuns", { query: { filter: ["name~secret"], sort: "-metrics.train_loss" } }),
      outsider.call("listRuns", { query: { archived: "true" } }),
      outsider.call("listDatasets", {}),
      outsider.call("listExperiments", {}),
      outsider.call("listEvents", {}),
      outsider.call("listShares", {}),
      outsider.call("listProjects", {}),
    ]);
    const text = JSON.stringify(all);
    for (const secret of ["alpha", ...Object.values(things)]) expect(text).not.toContain(secret);
    expect(all[7]!.items).toMatchObject([{ name: "beta", role: "trainer" }]);
    const inside = as(tokens.viewer);
    expect((await inside.call("listRuns", {})).items.map(({ name }) => name)).toEqual(["secret-of-alpha"]);
    expect((await inside.call("listExperiments", {})).items).toHaveLength(1);
    expect((await inside.call("listDatasets", {})).items.map(({ name }) => name)).toEqual(["flowers-of-alpha"]);
    expect((await client.call("listRuns", { query: { project: "alpha" } })).items).toHaveLength(1);
    expect((await client.call("listRuns", { query: { project: "beta" } })).items).toEqual([]);
  });

  test("of events, exported, hold those of one's projects only", async () => {
    const { text } = await raw("/api/events/export", { headers: { authorization: `Bearer ${tokens.outsider}` } });
    expect(text).not.toContain("alpha");
    const mine = await raw("/api/events/export", { headers: { authorization: `Bearer ${tokens.viewer}` } });
    expect(mine.text).toContain("secret-of-alpha");
  });
});

describe("a name", () => {
  test("of a dataset means another one in another project, each with versions from 1", async () => {
    const table = "a,b,label\n1,2,x\n3,4,y\n5,6,x\n7,8,y\n";
    const one = await register(platform, "same", table, "alpha");
    const two = await register(platform, "same", table, "beta");
    expect([one.version, two.version, one.id === two.id]).toEqual([1, 1, false]);
    expect((await as(tokens.outsider).call("getDataset", { params: { id: "same" } })).id).toBe(two.id);
    expect((await as(tokens.viewer).call("getDataset", { params: { id: "same" } })).id).toBe(one.id);
    expect(await verdict(as(tokens.outsider).call("getDataset", { params: { id: one.id } }))).toBe("NOT_FOUND");
    expect(await verdict(as(tokens.outsider).call("createRun", { body: { dataset: { id: "flowers-of-alpha" } } }))).toBe("INVALID_REQUEST");
  });
});

test("whoever knows the digest of another project's file does not have the file", async () => {
  const [file] = (await client.call("getDataset", { params: { id: things.dataset } })).files;
  const body = { name: "stolen", source: { id: "table" }, files: [file!] };
  expect(await verdict(as(tokens.outsider).call("registerDataset", { body }))).toBe("NOT_FOUND");
  // Who has the content has it anyway.
  const content = new Uint8Array(await (await kernel.blobs.get(file!.sha256)).body.toArray().then((parts) => Buffer.concat(parts)));
  await as(tokens.outsider).upload("uploadBlob", { params: { sha256: file!.sha256 } }, content);
  expect(await verdict(as(tokens.outsider).call("registerDataset", { body }))).toBe("allowed");
});

describe("a job's token", () => {
  test("sees nothing but its job: not the files of another, not what it did not bring, not after its claim", async () => {
    for (let job = await hand.claim(); job; job = await hand.claim()) await hand.finish(job, dropped);
    const [a, b] = [
      await client.call("createRun", { body: { ...tiny, dataset: { id: "iris" } } }),
      await client.call("createRun", { body: { ...tiny, dataset: { id: "iris" } } }),
    ];
    const [one, two] = [await hand.take(), await hand.take()];
    expect(new Set([one.subject.id, two.subject.id])).toEqual(new Set([a.id, b.id]));
    const file = await hand.upload(one, "best.safetensors", "weights of one");
    const other = as(two.key);
    expect(await verdict(other.call("heartbeat", { params: { id: one.id }, body: { token: one.token } }))).toBe("NOT_FOUND");
    expect(await verdict(other.download("getJobBlob", { params: { id: one.id, sha256: file.sha256 }, query: { token: one.token } }))).toBe(
      "NOT_FOUND",
    );
    expect(await verdict(other.download("getJobBlob", { params: { id: two.id, sha256: file.sha256 }, query: { token: two.token } }))).toBe(
      "NOT_FOUND",
    );
    // To say that a file is its own it must have brought it.
    expect(await verdict(hand.report(two, { artifacts: [file] }))).toBe("NOT_FOUND");
    expect(await verdict(other.call("getRun", { params: { id: two.subject.id } }))).toBe("FORBIDDEN");
    expect(
      await verdict(other.call("claimJob", { body: { worker: { id: hand.id, name: "x", labels: [], slots: 1, version: "", platform: "" } } })),
    ).toBe("FORBIDDEN");
    // A claim's token does not speak for the next claim, whatever number it gives.
    expect(await verdict(as(one.key).call("heartbeat", { params: { id: one.id }, body: { token: one.token + 1 } }))).toBe("STALE_TOKEN");
    await hand.finish(one, dropped);
    await hand.finish(two, dropped);
    expect(await verdict(hand.heartbeat(one))).toBe("STALE_TOKEN");
  });
});

describe("a share", () => {
  test("reads one run and nothing else, until it is revoked", async () => {
    const { secret, share, url } = await as(tokens.trainer).call("shareRun", { params: { id: things.run }, body: { days: 1 } });
    expect(url).toBe(`${platform.url}/shared#${secret}`);
    const guest = as(secret);
    expect((await guest.call("getRun", { params: { id: things.run } })).name).toBe("secret-of-alpha");
    expect(await verdict(guest.call("getMetrics", { params: { id: things.run } }))).toBe("allowed");
    expect(await verdict(guest.call("listArtifacts", { params: { id: things.run } }))).toBe("allowed");
    expect(await verdict(guest.call("getExperiment", { params: { id: things.experiment } }))).toBe("NOT_FOUND");
    const others: (() => Promise<unknown>)[] = [
      () => guest.call("editRun", { params: { id: things.run }, body: { name: "taken over" } }),
      () => guest.call("deleteRun", { params: { id: things.run } }),
      () => guest.call("listRuns", {}),
      () => guest.call("getCatalog", {}),
      () => guest.call("whoAmI", {}),
      () => guest.call("rewind", { params: { kind: "run", id: things.run } }),
      () => guest.call("predictWithRun", { params: { id: things.run }, body: { rows: [{}] } }),
    ];
    for (const other of others) expect(await verdict(other())).toBe("FORBIDDEN");
    expect((await as(tokens.viewer).call("listShares", {})).items.map(({ id }) => id)).toContain(share.id);
    await as(tokens.trainer).call("revokeShare", { params: { id: share.id } });
    expect(await verdict(guest.call("getRun", { params: { id: things.run } }))).toBe("UNAUTHENTICATED");
    expect((await as(tokens.viewer).call("listShares", {})).items.map(({ id }) => id)).not.toContain(share.id);
  });
});

describe("members", () => {
  test("come, change and go at once, whatever was known of them", async () => {
    const guest = as(tokens.outsider);
    const look = () => verdict(guest.call("getRun", { params: { id: things.run } }));
    const write = () => verdict(guest.call("editRun", { params: { id: things.run }, body: { note: `${Math.random()}` } }));
    expect(await look()).toBe("NOT_FOUND");
    const set = (role: Role) => as(tokens.admin).call("setMember", { params: { id: "alpha", user: "outsider" }, body: { role } });
    await set("viewer");
    expect([await look(), await write()]).toEqual(["allowed", "FORBIDDEN"]);
    await set("trainer");
    expect([await look(), await write()]).toEqual(["allowed", "allowed"]);
    await as(tokens.admin).call("removeMember", { params: { id: "alpha", user: "outsider" } });
    expect([await look(), await write()]).toEqual(["NOT_FOUND", "NOT_FOUND"]);
  });

  test("who are in several projects say which one they mean", async () => {
    const both = as(await account("both", "trainer", "alpha"));
    await client.call("setMember", { params: { id: "beta", user: "both" }, body: { role: "trainer" } });
    const create = (project?: string) => both.call("createRun", { body: { dataset: { id: "iris" }, draft: true }, query: { project } });
    await expect(create()).rejects.toMatchObject({ code: "BAD_PARAMETER", message: expect.stringContaining("project") });
    expect((await create("beta")).project).toBe((await client.call("getProject", { params: { id: "beta" } })).id);
    expect(await verdict(create("default"))).toBe("NOT_FOUND");
    expect(await verdict(create("no-such"))).toBe("NOT_FOUND");
  });
});

test("two people who edit one run: the second hears what the first changed, and writes nothing over it", async () => {
  const [one, two] = [as(tokens.trainer), as(tokens.admin)];
  const { id, version } = await one.call("createRun", { body: { dataset: { id: "iris" }, draft: true, name: "ours" } });
  await one.call("editRun", { params: { id }, body: { version, name: "mine", tags: { a: "1" } } });
  const answer = two.call("editRun", { params: { id }, body: { version, note: "mine too" } });
  await expect(answer).rejects.toMatchObject({
    code: "CONFLICT",
    status: 409,
    message: `run "mine" was changed by trainer-of-alpha since version ${version}: name, tags`,
    details: { changed: { name: "mine", tags: { a: "1" } } },
  });
  const now = await two.call("getRun", { params: { id } });
  expect([now.name, now.note]).toEqual(["mine", ""]);
  expect((await two.call("editRun", { params: { id }, body: { version: now.version, note: "mine too" } })).note).toBe("mine too");
  // At the same moment: one of them.
  const { version: current } = await one.call("getRun", { params: { id } });
  const both = await Promise.allSettled(
    [one, two].map((who, i) => who.call("editRun", { params: { id }, body: { version: current, name: `at once ${i}` } })),
  );
  expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
});

describe("an id", () => {
  const uuid = fc.uuid({ version: 4 });

  test("is a seal that only this server makes and opens; nothing of the row's id is in it", () => {
    fc.assert(
      fc.property(uuid, (id) => {
        const sealed = kernel.ids.seal(id);
        expect(sealed).toMatch(/^[a-z2-7]{32}$/);
        expect(kernel.ids.open(sealed)).toBe(id);
        expect(kernel.ids.seal(id)).toBe(sealed);
        expect(sealed).not.toContain(id.slice(0, 8));
      }),
    );
  });

  test("that is forged, cut off, longer, changed in a letter, or in capitals is none", () => {
    fc.assert(
      fc.property(uuid, fc.nat(31), fc.constantFrom(..."abcdefghijklmnopqrstuvwxyz234567"), (id, at, letter) => {
        const sealed = kernel.ids.seal(id);
        const changed = sealed.slice(0, at) + letter + sealed.slice(at + 1);
        expect(kernel.ids.open(changed)).toBe(changed === sealed ? id : undefined);
        for (const wrong of [sealed.slice(0, at), `${sealed}a`, sealed.toUpperCase(), id, id.replaceAll("-", "")])
          expect(kernel.ids.open(wrong)).toBeUndefined();
      }),
    );
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(kernel.ids.open(text)).toBeUndefined();
      }),
    );
  });

  test("that is a row's own UUID opens nothing, and a forged one reaches no query", async () => {
    const own = kernel.ids.open(things.run)!;
    for (const id of [
      own,
      own.toUpperCase(),
      things.run.slice(0, 31),
      things.run.replace(/./, (c) => (c === "a" ? "b" : "a")),
      "../../etc/passwd",
      "%2e%2e",
      "' or 1=1 --",
    ]) {
      const answer = await raw(`/api/runs/${encodeURIComponent(id)}`);
      expect([id, answer.status]).toEqual([id, 404]);
    }
  });

  test("of a row is in no answer, event or error", async () => {
    const events = await kernel.db.query.selectFrom("events").select("entity").distinct().execute();
    const own = events.map(({ entity }) => entity);
    expect(own.length).toBeGreaterThan(10);
    const texts = await Promise.all(
      [
        "/api/runs",
        `/api/runs/${things.run}`,
        "/api/runs?archived=true",
        "/api/experiments",
        `/api/experiments/${things.experiment}`,
        "/api/datasets",
        "/api/events?limit=500",
        "/api/events/export",
        "/api/admin/jobs",
        "/api/admin/workers",
        "/api/projects",
        "/api/users",
        "/api/tokens",
        "/api/shares",
        "/api/me",
        `/api/events/rewind/run/${things.run}`,
        `/api/events/rewind/job/${things.job}`,
        `/api/events/rewind/project/${things.project}`,
        `/api/events/rewind/share/${things.share}`,
      ].map(async (path) => [path, (await raw(path)).text] as const),
    );
    for (const [path, text] of texts) expect([path, own.filter((id) => text.includes(id))]).toEqual([path, []]);
    const { experiment } = (await client.call("listRuns", { query: { archived: "true" } })).items[0]!;
    const archived = (await client.call("listRuns", { query: { archived: "true" } })).items[0]!.id;
    const error = await raw(`/api/runs/${archived}`, { method: "PATCH", body: { name: "x" } });
    expect(error.json.error).toMatchObject({ code: "ALREADY_ARCHIVED", details: { experiment } });
  });

  test("sealed before the keys were changed opens for the days of grace, and then no more", async () => {
    const before = things.run;
    await client.call("rotateKeys", { body: { graceDays: 1 } });
    const { id } = await client.call("getRun", { params: { id: before } });
    expect(id).not.toBe(before);
    await client.call("rotateKeys", { body: { graceDays: 0 } });
    expect(await verdict(client.call("getRun", { params: { id: before } }))).toBe("NOT_FOUND");
    const [run] = (await client.call("listRuns", { query: { project: "alpha", filter: ["name=secret-of-alpha"] } })).items;
    expect(await verdict(client.call("getRun", { params: { id: run!.id } }))).toBe("allowed");
  });
});

test("all of this left tables that are what the events say", async () => {
  expect((await client.call("verify", {})).differences).toEqual([]);
});
