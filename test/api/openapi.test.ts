/** The OpenAPI document says what the table of endpoints says, under names that generated clients can rely on. */
import { describe, expect, test } from "vitest";
import type { z } from "zod";
import { type Endpoint, endpoints } from "../../src/shared/api/endpoints.ts";
import { version } from "../../src/shared/version.ts";
import { startTestPlatform } from "../platform.ts";

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly tags: readonly string[];
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly required?: boolean }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, unknown>> };
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: Readonly<Record<string, unknown>> }>> }>
  >;
}

const { raw } = await startTestPlatform();
const { json: document, headers } = await raw("/openapi.json");
const paths: Record<string, Record<string, Operation>> = document.paths;
const schemas: Record<string, unknown> = document.components.schemas;
const table = Object.entries(endpoints as Record<string, Endpoint>);
const operationOf = ({ path, method }: Endpoint): Operation => paths[path]![method.toLowerCase()]!;
const fieldsOf = (schema: z.ZodObject | undefined): string[] => Object.keys(schema?.shape ?? {}).sort();
const named = (operation: Operation, place: string) =>
  (operation.parameters ?? [])
    .filter((p) => p.in === place)
    .map(({ name }) => name)
    .sort();

test("the document is OpenAPI 3.1, of this version", () => {
  expect(headers["content-type"]).toMatch(/^application\/json/);
  expect(document).toMatchObject({ openapi: expect.stringMatching(/^3\.1\./), info: { title: "Trainyard", version } });
});

test("it has every operation of the table and no other", () => {
  const told = Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, { operationId }]) => `${operationId} ${method.toUpperCase()} ${path}`),
  );
  expect(told.sort()).toEqual(table.map(([id, { method, path }]) => `${id} ${method} ${path}`).sort());
});

describe.each(table)("%s", (_, endpoint) => {
  const operation = operationOf(endpoint);

  test("takes the parameters and the body that the table says", () => {
    const inPath = [...endpoint.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!).sort();
    expect(fieldsOf(endpoint.params)).toEqual(inPath);
    expect(named(operation, "path")).toEqual(inPath);
    expect(named(operation, "query")).toEqual(fieldsOf(endpoint.query));
    expect(named(operation, "header")).toEqual(endpoint.creates ? ["idempotency-key"] : []);
    const types = Object.keys(operation.requestBody?.content ?? {});
    expect(types).toEqual(endpoint.upload ? ["application/octet-stream"] : endpoint.body ? ["application/json"] : []);
  });

  test("answers as the table says, and refuses in the one form", () => {
    const { status = 200, content, response, summary, module } = endpoint;
    expect(operation).toMatchObject({ summary, tags: [module] });
    expect(Object.keys(operation.responses).sort()).toEqual([String(status), "4XX", "5XX"]);
    for (const failure of ["4XX", "5XX"]) {
      expect(operation.responses[failure]!.content).toEqual({ "application/json": { schema: { $ref: "#/components/schemas/Error" } } });
    }
    const type = {
      stream: "application/octet-stream",
      picture: "image/png",
      events: "text/event-stream",
      jsonl: "application/x-ndjson",
      text: /^text\/plain/,
      page: /^text\/html/,
      redirect: /^text\/html/,
    } as const;
    const [media = ""] = Object.keys(operation.responses[status]!.content ?? {});
    if (content) expect(media).toMatch(type[content]);
    else expect([media, response !== undefined]).toEqual([media === "" ? "" : "application/json", status !== 204]);
  });
});

describe("a schema", () => {
  /** Every value below, with the way to it. */
  function* within(value: unknown, way = ""): Generator<[way: string, value: object]> {
    if (typeof value !== "object" || value === null) return;
    yield [way, value];
    for (const [key, inner] of Object.entries(value)) yield* within(inner, `${way}/${key}`);
  }

  test("is named once: no two names mean the same, and nothing that has a name stands elsewhere too", () => {
    const names = new Map<string, string>();
    for (const [name, schema] of Object.entries(schemas)) {
      expect(name).toMatch(/^[A-Z][A-Za-z]+$/);
      expect([name, names.get(JSON.stringify(schema))]).toEqual([name, undefined]);
      names.set(JSON.stringify(schema), name);
    }
    const copies = [...within(document)].filter(([way, value]) => names.has(JSON.stringify(value)) && !/^\/components\/schemas\/\w+$/.test(way));
    expect(copies.map(([way]) => way)).toEqual([]);
  });

  test("is there where it is referred to, and referred to where it is there", () => {
    const references = [...within(document)].flatMap(([, value]) => ("$ref" in value ? [value.$ref as string] : []));
    const missing = references.filter((ref) => !(ref.replace("#/components/schemas/", "") in schemas));
    expect(missing).toEqual([]);
    expect(Object.keys(schemas).filter((name) => !references.includes(`#/components/schemas/${name}`))).toEqual([]);
  });

  test("of what goes out has a name in every answer that is one thing", () => {
    const shown = table.flatMap(([id, endpoint]) => {
      const [media] = Object.values(operationOf(endpoint).responses[endpoint.status ?? 200]!.content ?? {});
      return media?.schema.type === "object" && !("items" in (media.schema.properties as object)) ? [id] : [];
    });
    // Answers that only wrap another thing, or are too small for a name.
    expect(shown).toEqual([
      "checkTraining",
      "getMetrics",
      "predictWithRun",
      "predictWithExperiment",
      "getKeys",
      "rotateKeys",
      "claimJob",
      "live",
      "ready",
    ]);
  });
});

// Clients are generated from these: one that was released stays what it is.
test("operations keep their ids, methods and paths", () => {
  const released = `
    getCatalog GET /api/catalog
    getCatalogEntry GET /api/catalog/{kind}/{id}
    listDatasets GET /api/datasets
    registerDataset POST /api/datasets
    getDataset GET /api/datasets/{id}
    deleteDataset DELETE /api/datasets/{id}
    uploadBlob PUT /api/uploads/{sha256}
    checkTraining POST /api/training/check
    getChoices POST /api/training/choices
    estimateRun POST /api/training/estimate
    getExample GET /api/runs/{id}/example
    createRun POST /api/runs
    listRuns GET /api/runs
    startRun POST /api/runs/{id}/start
    stopRun POST /api/runs/{id}/stop
    resumeRun POST /api/runs/{id}/resume
    duplicateRun POST /api/runs/{id}/duplicate
    compareRuns GET /api/runs/compare
    getRun GET /api/runs/{id}
    editRun PATCH /api/runs/{id}
    deleteRun DELETE /api/runs/{id}
    restoreRun POST /api/runs/{id}/restore
    getMetrics GET /api/runs/{id}/metrics
    followRun GET /api/runs/{id}/live
    listArtifacts GET /api/runs/{id}/artifacts
    getArtifact GET /api/runs/{id}/artifacts/{name}
    evaluateRun POST /api/runs/{id}/evaluation
    getEvaluation GET /api/runs/{id}/evaluation
    predictWithRun POST /api/runs/{id}/predict
    predictWithExperiment POST /api/experiments/{id}/predict
    archiveRun POST /api/runs/{id}/archive
    listExperiments GET /api/experiments
    getExperiment GET /api/experiments/{id}
    getManifest GET /api/experiments/{id}/manifest
    getExperimentFile GET /api/experiments/{id}/artifacts/{name}
    reproduceExperiment POST /api/experiments/{id}/reproduce
    listEvents GET /api/events
    exportEvents GET /api/events/export
    rewind GET /api/events/rewind/{kind}/{id}
    listMessages GET /api/messages
    countMessages GET /api/messages/graph
    listJobs GET /api/admin/jobs
    getJob GET /api/jobs/{id}
    requeueJob POST /api/admin/jobs/{id}/requeue
    listWorkers GET /api/admin/workers
    getStorage GET /api/admin/storage
    purge POST /api/admin/purge
    verify POST /api/admin/verify
    claimJob POST /api/worker/claim
    heartbeat POST /api/worker/jobs/{id}/heartbeat
    report POST /api/worker/jobs/{id}/report
    putJobBlob PUT /api/worker/jobs/{id}/blobs/{sha256}
    getJobBlob GET /api/worker/jobs/{id}/blobs/{sha256}
    finishJob POST /api/worker/jobs/{id}/finish
    live GET /health/live
    ready GET /health/ready
    metrics GET /metrics`;
  const now = table.map(([id, { method, path }]) => `${id} ${method} ${path}`);
  const gone = released
    .trim()
    .split(/\n\s*/)
    .filter((operation) => !now.includes(operation));
  expect(gone).toEqual([]);
});

test("a page for people shows it", async () => {
  const page = await raw("/docs/");
  expect([page.status, page.headers["content-type"]]).toEqual([200, expect.stringMatching(/^text\/html/)]);
  const { text } = await raw("/docs/static/swagger-initializer.js");
  expect(text).toContain("url: resolveUrl('./json')");
  expect((await raw("/docs/json")).json).toEqual(document);
});
