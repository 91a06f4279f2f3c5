/** Makes the OpenAPI document of the table of endpoints. Started by api-document.ts. */
import { parentPort, workerData } from "node:worker_threads";
import swagger from "@fastify/swagger";
import Fastify from "fastify";
import { jsonSchemaTransform, jsonSchemaTransformObject } from "fastify-type-provider-zod";
import { endpoints, type OperationId } from "../shared/api/endpoints.ts";
import type { Told } from "./api-document.ts";
import { type OpenApi, openApi } from "./openapi.ts";
import { routeOf } from "./route.ts";

const { version, cookie } = workerData as Told;
const app = Fastify();
app.setValidatorCompiler(() => () => true);
app.setSerializerCompiler(() => JSON.stringify);
await app.register(swagger, {
  openapi: {
    openapi: "3.1.0",
    info: { title: "Trainyard", version, description: "Train, watch, evaluate, archive and use machine-learning models." },
    tags: [...new Set(Object.values(endpoints).map(({ module }) => module))].map((name) => ({ name })),
    components: {
      securitySchemes: {
        token: { type: "http", scheme: "bearer", description: "An API token, or the token of a session, a share, a worker or a job." },
        session: { type: "apiKey", in: "cookie", name: cookie, description: "Set by signing in." },
      },
    },
  },
  transform: jsonSchemaTransform,
  transformObject: jsonSchemaTransformObject,
});
for (const id of Object.keys(endpoints) as OperationId[]) app.route({ ...routeOf(id), handler: async () => {} });
await app.ready();
parentPort!.postMessage(openApi(app.swagger() as unknown as OpenApi));
