/** Routes of projects and of sharing. */
import type { Grant } from "../../gate.ts";
import type { Handlers } from "../../handler.ts";
import type { Person } from "../../identity.ts";
import {
  createProject,
  dropMember,
  editProject,
  getProject,
  listProjects,
  listShares,
  lookAtShare,
  putMember,
  revokeShare,
  share,
} from "./service.ts";

/** Nobody else gets past the gate here. */
const person = ({ actor }: Grant): Person => actor as Person;

export const projectRoutes: Handlers<
  | "listProjects"
  | "createProject"
  | "getProject"
  | "editProject"
  | "setMember"
  | "removeMember"
  | "shareRun"
  | "shareExperiment"
  | "lookAtShare"
  | "listShares"
  | "revokeShare"
> = {
  listProjects: async (kernel, { grant }) => ({ items: await listProjects(kernel, person(grant)) }),
  createProject: (kernel, { grant, body, context }) => createProject(kernel, person(grant), body.name, context),
  getProject: (kernel, { grant }) => getProject(kernel, person(grant), grant.project!),
  editProject: (kernel, { grant, body, context }) => editProject(kernel, person(grant), grant.project!, body.name, context),
  setMember: (kernel, { grant, params, body, context }) => putMember(kernel, person(grant), grant.project!, params.user, body.role, context),
  removeMember: (kernel, { grant, params, context }) => dropMember(kernel, person(grant), grant.project!, params.user, context),
  shareRun: (kernel, { grant, params, body, context }) =>
    share(kernel, { kind: "run", thing: params.id, project: grant.project!, days: body.days }, context),
  shareExperiment: (kernel, { grant, params, body, context }) =>
    share(kernel, { kind: "experiment", thing: params.id, project: grant.project!, days: body.days }, context),
  lookAtShare: (kernel, { body }) => lookAtShare(kernel, body.share),
  listShares: async (kernel, { grant }) => ({ items: await listShares(kernel, grant.visible) }),
  revokeShare: async (kernel, { params, context }) => void (await revokeShare(kernel, params.id, context)),
};
