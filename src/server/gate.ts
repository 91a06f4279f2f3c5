/** The one door. `endpoints.ts` says for each route what it does to what kind of thing; `decide` says who may. No other place decides. */
import type { FastifyRequest } from "fastify";
import type { Action, Endpoint, ThingKind } from "../shared/api/endpoints.ts";
import { type Role, type Scope, thingKinds } from "../shared/api/schemas.ts";
import { fail } from "../shared/errors.ts";
import type { Actor, Person } from "./identity.ts";
import { DEFAULT_PROJECT } from "./ids.ts";
import type { Kernel } from "./kernel.ts";

/** What something is done to. */
export interface Thing {
  readonly kind: ThingKind;
  readonly id?: string;
  /** Nothing for what belongs to no project. */
  readonly project?: string;
}

/** `hidden`: for who asks it does not exist. */
export type Decision = "yes" | "no" | "hidden" | "unknown person";

/** What a role may do: in a project the role of the member, elsewhere that of the account. */
const ofRole: Readonly<Record<Role, readonly Action[]>> = {
  viewer: ["read", "serve"],
  trainer: ["read", "serve", "train"],
  admin: ["read", "serve", "train", "manage", "monitor"],
};
/** What a token may be used for at most. */
const ofScope: Readonly<Record<Scope, readonly Action[]>> = {
  read: ["read", "monitor"],
  serve: ["serve"],
  train: ["read", "serve", "train"],
  admin: ["read", "serve", "train", "manage", "monitor", "self"],
  work: [],
};

/** What someone is in a project. An administrator of the platform is one of every project. */
export function roleIn({ role, only, projects }: Person, project: string): Role | undefined {
  if (only !== undefined && only !== project) return undefined;
  return role === "admin" ? "admin" : projects.get(project);
}

export function decide(actor: Actor, action: Action, thing: Thing): Decision {
  if (action === "open") return "yes";
  if (actor.kind === "nobody") return "unknown person";
  if (actor.kind === "worker") return action === "work" && thing.kind === "queue" ? "yes" : "no";
  if (actor.kind === "job") {
    if (action !== "work" || thing.kind !== "job") return "no";
    return thing.id === actor.job ? "yes" : "hidden";
  }
  if (actor.kind === "share") {
    if (action !== "read" || (thing.kind !== "run" && thing.kind !== "experiment")) return "no";
    return thing.id === actor.thing ? "yes" : "hidden";
  }
  if (action === "work") return "no";
  if (actor.scope && !ofScope[actor.scope].includes(action)) return "no";
  if (action === "self") return "yes";
  if (thing.kind === "catalog") return ofRole[actor.role].includes(action) && (action === "read" || actor.only === undefined) ? "yes" : "no";
  if (thing.kind === "project" && thing.project === undefined) return "yes"; // whatever lies in those that one may see
  if (thing.project === undefined) return actor.role === "admin" && actor.only === undefined ? "yes" : "no";
  const role = roleIn(actor, thing.project);
  if (!role) return "hidden";
  return ofRole[role].includes(action) ? "yes" : "no";
}

/** Projects whose things someone may see; nothing means all. */
const visibleTo = (actor: Actor): readonly string[] | undefined => {
  if (actor.kind !== "person") return [];
  if (actor.only !== undefined) return roleIn(actor, actor.only) ? [actor.only] : [];
  return actor.role === "admin" ? undefined : [...actor.projects.keys()];
};

/** The project of whoever names none: the token's, else the first one there was, else the only one. */
function usual(actor: Actor): string | undefined {
  if (actor.kind !== "person") return undefined;
  const first = actor.only ?? DEFAULT_PROJECT;
  if (roleIn(actor, first)) return first;
  return actor.only === undefined && actor.projects.size === 1 ? [...actor.projects.keys()][0] : undefined;
}

/** What a request may reach. */
export interface Grant {
  readonly actor: Actor;
  /** Where it creates, and where it looks for names. */
  readonly project?: string;
  /** Projects that its lists are of; nothing means all. */
  readonly visible?: readonly string[];
}

/** A project that nobody is in: of what does not exist. */
const NOWHERE = "";

/**
 * Lets a request in or not, before its body is read.
 * @throws UNAUTHENTICATED, FORBIDDEN; NOT_FOUND for what does not exist, or not for who asks; BAD_PARAMETER for a project that has to be named
 */
export async function admit(
  { ids, things }: Pick<Kernel, "ids" | "things">,
  actor: Actor,
  { action, on }: Pick<Endpoint, "action" | "on">,
  request: Pick<FastifyRequest, "params" | "query">,
): Promise<Grant> {
  const require = (thing: Partial<Thing>, what = "", id = ""): void => {
    const decision = decide(actor, action, { kind: on, ...thing });
    if (decision === "unknown person") throw fail("UNAUTHENTICATED", { detail: "nobody is signed in" });
    if (decision === "no") throw fail("FORBIDDEN", { actor: actor.name, action: described[action] });
    if (decision === "hidden") throw fail("NOT_FOUND", { what, id });
  };
  if (actor.kind === "nobody" || !inProjects.has(on)) {
    require({});
    return { actor };
  }
  const params = request.params as Readonly<Record<string, string>>;
  const query = request.query as Readonly<Record<string, unknown>>;
  const named = on === "member" ? params.id : typeof query.project === "string" ? query.project : undefined;
  const project = async (): Promise<string | undefined> => {
    if (named === undefined) return usual(actor);
    const found = (await things.project(named)) ?? NOWHERE;
    require({ project: found }, "project", named);
    if (found === NOWHERE) throw fail("NOT_FOUND", { what: "project", id: named });
    return found;
  };

  if (on === "project" || on === "member") {
    const chosen = await project();
    if (named === undefined && action === "read") {
      require({});
      return { actor, project: chosen, visible: visibleTo(actor) };
    }
    if (named === undefined) require({ project: chosen });
    if (chosen === undefined)
      throw fail("BAD_PARAMETER", { where: "query", name: "project", want: "the name of a project that you are in", got: "missing" });
    return { actor, project: chosen, visible: [chosen] };
  }

  const kind = on === "entity" ? params.kind! : on;
  const given = params.id === undefined ? [query.id ?? []].flat().map(String) : [params.id];
  // None is told by the schema, to who may ask at all.
  if (!given.length) require({ kind: "project" });
  let of: string | undefined;
  for (const id of given) {
    const uuid = ids.open(id);
    // A dataset may be named; a name means something in a project only.
    const byName = !uuid && kind === "dataset" && on === kind;
    const found = byName ? ((await project()) ?? NOWHERE) : uuid && (await things.projectOf(kind, uuid));
    require({ id: uuid, project: found === null ? undefined : (found ?? NOWHERE) }, kind, id);
    if (found === undefined || found === NOWHERE) throw fail("NOT_FOUND", { what: kind, id });
    of = found ?? undefined;
  }
  return { actor, project: of };
}

/** Kinds of things that lie in projects. The others are the platform's. */
const inProjects: ReadonlySet<ThingKind> = new Set(["project", "member", "entity", ...thingKinds]);

/** As a person reads it. */
const described: Readonly<Record<Action, string>> = {
  open: "do this",
  self: "do this with a token of this scope",
  read: "read this",
  serve: "ask this for predictions",
  train: "train or change anything here",
  manage: "administer this",
  monitor: "watch the platform",
  work: "do a worker's work",
};
