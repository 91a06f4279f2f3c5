/** What a page offers to whom. The server decides; here nobody is shown what it would refuse them. */
import type { Me } from "../shared/api/schemas.ts";

/** Somewhere at least: also in a project whose member one is. */
export const mayTrain = (me: Me | undefined): boolean =>
  me !== undefined && (me.role !== "viewer" || me.projects.some(({ role }) => role !== "viewer"));
export const mayAdminister = (me: Me | undefined): boolean => me?.role === "admin";
