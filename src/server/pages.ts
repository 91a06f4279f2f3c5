/** The few pages that need no account, besides the web application: to sign in, to use a link, to read what is shared; and to begin where there is none. */
import type { Config } from "./config.ts";

const page = (title: string, content: string) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title} · Trainyard</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/account.css">
</head>
<body>
<main>
<h1>Trainyard</h1>
${content}
</main>
</body>
</html>
`;

/** With the script, and a line in which it speaks. */
const live = (content: string) => `${content}
<p id="said" role="status"></p>
<script type="module" src="/account.js"></script>`;
const form = (id: string, content: string) => live(`<form id="${id}">${content}</form>`);

const style = `:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: light-dark(#f3f5f8, #14171c); color: light-dark(#1b2330, #e6eaf0); }
main { box-sizing: border-box; width: min(26rem, calc(100vw - 2rem)); margin: 1rem; padding: 2rem; border-radius: 12px; background: light-dark(#fff, #1e232b); box-shadow: 0 2px 12px #0002; }
h1 { margin: 0 0 1rem; font-size: 1.5rem; }
form { display: grid; gap: 1rem; }
label { display: grid; gap: 0.25rem; font-size: 0.9rem; }
input, button { font: inherit; padding: 0.6rem 0.75rem; border-radius: 8px; border: 1px solid light-dark(#b6bfcc, #4a5463); background: transparent; color: inherit; }
button { background: #1c5fd0; border-color: #1c5fd0; color: #fff; cursor: pointer; }
button:disabled { opacity: 0.6; }
:focus-visible { outline: 3px solid #6aa0ff; outline-offset: 1px; }
h2 { overflow-wrap: anywhere; }
h3 { font-size: 1rem; margin: 1rem 0 0.25rem; }
table { width: 100%; border-collapse: collapse; font-size: 0.95rem; }
td { padding: 0.25rem 0; vertical-align: top; overflow-wrap: anywhere; border-bottom: 1px solid light-dark(#e3e7ed, #323a45); }
td:first-child { padding-right: 1rem; color: light-dark(#5a6575, #9aa5b4); white-space: nowrap; }
#measured td:last-child { text-align: right; font-variant-numeric: tabular-nums; }
a { color: light-dark(#1c5fd0, #7fb0ff); }
#said { min-height: 1.5rem; margin: 1rem 0 0; overflow-wrap: anywhere; }
`;

// Names are written with textContent only, never as HTML.
const script = `const form = document.querySelector("form");
const said = document.querySelector("#said");
const say = (text) => { said.textContent = text; };
const link = location.hash.slice(1);
// Where one wanted to be: a page of this site alone.
const wanted = new URLSearchParams(location.search).get("next") ?? "/";
const target = URL.canParse(wanted, location.origin) ? new URL(wanted, location.origin) : location;
const next = target.origin === location.origin && target !== location ? target.pathname + target.search : "/";
const shared = document.querySelector("#shared");
// What works once nobody needs in the history.
if (!shared) history.replaceState(null, "", location.pathname);

async function ask(path, body) {
  const response = await fetch(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  const { message = "the server did not answer", fix = "Try again.", problems = [] } = answer.error ?? {};
  throw new Error(problems.length ? problems.map((p) => p.message).join("; ") : message + ". " + fix);
}

/** A line of a table: texts, never HTML. */
function row(table, ...texts) {
  const line = table.insertRow();
  for (const text of texts) line.insertCell().textContent = text;
}
if (shared) {
  try {
    const { kind, thing, expiresAt } = await ask("/api/shares/look", { share: link });
    const response = await fetch("/api/" + kind + "s/" + thing, { headers: { authorization: "Bearer " + link } });
    const it = await response.json();
    if (!response.ok) throw new Error(it.error.message);
    document.title = it.name + " · Trainyard";
    shared.querySelector("h2").textContent = it.name;
    const about = shared.querySelector("#about");
    for (const [what, value] of [[kind, it.state ?? "archived"], ["dataset", it.dataset], ["model", it.model], ["task", it.task], ["created", new Date(it.createdAt).toLocaleString()], ["by", it.createdBy], ["note", it.note]])
      if (value) row(about, what, value);
    const metrics = Object.entries(it.evaluation?.metrics ?? (kind === "experiment" ? it.metrics : {}));
    for (const [metric, value] of metrics) row(shared.querySelector("#metrics"), metric.replaceAll("_", " "), Number(value.toPrecision(4)));
    if (metrics.length) shared.querySelector("#measured").hidden = false;
    shared.hidden = false;
    say("Shared until " + new Date(expiresAt).toLocaleString() + ".");
  } catch (error) {
    say(error.message);
  }
}

const told = { setup: "Create the administrator's account.", invitation: "Create your account.", reset: "Choose a new password." };
if (form?.id === "join") {
  try {
    const { kind, name } = await ask("/api/links/look", { link });
    say(told[kind]);
    if (name) { form.name.value = name; form.name.readOnly = true; }
  } catch (error) {
    say(error.message);
    form.querySelector("button").disabled = true;
  }
}

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  const given = { name: form.name.value.trim().toLowerCase(), password: form.password.value };
  try {
    const { user } = form.id === "join"
      ? await ask("/api/links/use", { link, ...given })
      : await ask("/api/login", given);
    form.remove();
    say("You are signed in as " + user.name + ".");
    location.replace(next);
  } catch (error) {
    say(error.message);
    button.disabled = false;
  }
});
`;

const fields = (
  autocomplete: string,
) => `<label>Name<input name="name" autocomplete="username" autocapitalize="none" spellcheck="false" required maxlength="100"></label>
<label>Password<input name="password" type="password" autocomplete="${autocomplete}" required minlength="${autocomplete === "new-password" ? 10 : 1}" maxlength="1000"></label>`;

const escaped = (text: string): string => text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);

/**
 * After coming back from an OpenID Connect provider. A page, not a redirect: along a redirect that began at another site
 * browsers do not send the strict cookie of the session.
 */
export const signedInPage = (name: string): string =>
  page("Signed in", `<p>You are signed in as <strong>${escaped(name)}</strong>.</p>\n<p><a href="/">Continue</a></p>`);

const elsewhere = (oidc: Config["oidc"]): string => (oidc ? `<a href="/api/oidc/start">Sign in with ${escaped(new URL(oidc.issuer).host)}</a>` : "");

const html = "text/html; charset=utf-8";
/** By path. Public, and the same for everyone. */
export const pages: Readonly<Record<string, { readonly type: string; readonly body: (config: Pick<Config, "oidc">) => string }>> = {
  "/": {
    type: html,
    body: () =>
      page("Welcome", '<p>A platform for the whole life of a model.</p>\n<p><a href="/login">Sign in</a> · <a href="/docs">The API</a></p>'),
  },
  "/shared": {
    type: html,
    body: () =>
      page(
        "Shared",
        live(
          '<section id="shared" hidden><h2></h2><table id="about"></table><div id="measured" hidden><h3>On the test split, which training never saw</h3><table id="metrics"></table></div></section>',
        ),
      ),
  },
  "/login": {
    type: html,
    body: ({ oidc }) => page("Sign in", form("login", `${fields("current-password")}<button>Sign in</button>${elsewhere(oidc)}`)),
  },
  "/join": { type: html, body: () => page("Welcome", form("join", `${fields("new-password")}<button>Continue</button>`)) },
  "/account.css": { type: "text/css; charset=utf-8", body: () => style },
  "/account.js": { type: "text/javascript; charset=utf-8", body: () => script },
};
