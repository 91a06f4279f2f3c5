/** Routes of accounts. A session goes into a cookie that no script can read, or into the answer of a program that asked for it. */
import { awayCookieOf, cookieOf } from "../../browser.ts";
import type { Asked, Handlers, Reply } from "../../handler.ts";
import type { Person } from "../../identity.ts";
import type { Kernel } from "../../kernel.ts";
import { signedInPage } from "../../pages.ts";
import { signInElsewhere, startElsewhere } from "./oidc.ts";
import {
  changePassword,
  createToken,
  editUser,
  inviteUser,
  listTokens,
  listUsers,
  lookAtLink,
  resetPassword,
  revokeToken,
  type SignedIn,
  signIn,
  signOut,
  useLink,
  whoAmI,
} from "./service.ts";

/** Nobody else gets past the gate here. */
const person = ({ grant }: Pick<Asked<"whoAmI">, "grant">): Person => grant.actor as Person;

function answer({ config }: Kernel, { user, secret, expiresAt }: SignedIn, token: boolean | undefined, reply: Reply) {
  if (token) return { user, token: secret, expiresAt };
  reply.header("set-cookie", cookieOf(config, secret, new Date(expiresAt)));
  return { user, expiresAt };
}

export const accountRoutes: Handlers<
  | "login"
  | "lookAtLink"
  | "useLink"
  | "startOidc"
  | "endOidc"
  | "logout"
  | "whoAmI"
  | "changePassword"
  | "listUsers"
  | "inviteUser"
  | "editUser"
  | "resetPassword"
  | "listTokens"
  | "createToken"
  | "revokeToken"
> = {
  login: async (kernel, { body, address, context }, reply) => answer(kernel, await signIn(kernel, body, address, context), body.token, reply),
  lookAtLink: (kernel, { body }) => lookAtLink(kernel, body.link),
  useLink: async (kernel, { body, address, context }, reply) => answer(kernel, await useLink(kernel, body, address, context), body.token, reply),
  async startOidc(kernel, _, reply) {
    const { location, cookie } = await startElsewhere(kernel);
    reply.header("cache-control", "no-store").header("set-cookie", cookie);
    return { location };
  },
  async endOidc(kernel, asked, reply) {
    // Whatever comes of it, what was kept served its time.
    reply.header("cache-control", "no-store").header("set-cookie", awayCookieOf(kernel.config));
    const { user } = answer(kernel, await signInElsewhere(kernel, asked), false, reply);
    return signedInPage(user.name);
  },
  async logout(kernel, asked, reply) {
    await signOut(kernel, person(asked), asked.body.everywhere ?? false, asked.context);
    reply.header("set-cookie", cookieOf(kernel.config, "", new Date(0)));
  },
  whoAmI: (kernel, asked) => whoAmI(kernel, person(asked)),
  changePassword: async (kernel, asked) => void (await changePassword(kernel, person(asked), asked.body, asked.address, asked.context)),
  listUsers: async (kernel) => ({ items: await listUsers(kernel) }),
  inviteUser: (kernel, { body, context }) => inviteUser(kernel, body, context),
  editUser: (kernel, { params, body, context }) => editUser(kernel, params.id, body, context),
  resetPassword: (kernel, { params, context }) => resetPassword(kernel, params.id, context),
  listTokens: async (kernel, asked) => ({ items: await listTokens(kernel, person(asked)) }),
  createToken: (kernel, asked) => createToken(kernel, person(asked), asked.body, asked.context),
  revokeToken: async (kernel, asked) => void (await revokeToken(kernel, person(asked), asked.params.id, asked.context)),
};
