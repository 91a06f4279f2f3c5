/** The OpenAPI document, made when it is first asked for, in a thread: it takes half a second, which no start and no other request should wait for. */
import { once } from "node:events";
import type { FastifyInstance } from "fastify";
import fp from "fastify-plugin";
import { startThread } from "../shared/thread.ts";

/** What the document tells of this server. */
export interface Told {
  readonly version: string;
  /** Of the session's cookie. */
  readonly cookie: string;
}

export class ApiDocument {
  readonly #told: Told;
  #document: object | undefined;
  #making: Promise<object> | undefined;

  constructor(told: Told) {
    this.#told = told;
  }

  async made(): Promise<object> {
    if (this.#document) return this.#document;
    this.#making ??= this.#make().finally(() => {
      this.#making = undefined;
    });
    this.#document = await this.#making;
    return this.#document;
  }

  /** Stands where @fastify/swagger-ui looks for @fastify/swagger. */
  readonly plugin = fp(async (app: FastifyInstance) => void app.decorate("swagger", () => this.#document as never), { name: "@fastify/swagger" });

  async #make(): Promise<object> {
    const thread = startThread("server/api-document-thread", this.#told);
    thread.unref();
    const [document] = await once(thread, "message");
    return document;
  }
}
