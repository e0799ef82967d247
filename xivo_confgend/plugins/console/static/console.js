// The frame of the page: which view is shown, who is signed in, and the events that keep every view alive.

import { Problem, getJson, hasToken, listen, useToken } from "./api.js";
import { age, announce, element, notice, waiting } from "./dom.js";
import { ask } from "./dialog.js";
import { activity } from "./activity.js";
import { configuration } from "./configuration.js";
import { drivers } from "./drivers.js";
import { file } from "./file.js";
import { files } from "./files.js";
import { status } from "./status.js";

const VIEWS = [
  [/^#\/files\/([^/?]+\/[^/?]+)(?:\/(versions|diff))?(?:\?(.*))?$/, "#/files",
    (page, [, name, tab, query]) => file(page, name, tab ?? "content", new URLSearchParams(query))],
  [/^#\/files$/, "#/files", files],
  [/^#\/activity$/, "#/activity", activity],
  [/^#\/drivers$/, "#/drivers", drivers],
  [/^#\/config$/, "#/config", configuration],
  [/^#\/status$/, "#/status", status],
];
const FILE = /^#\/files\/[^/?]+\/[^/?]+/;
const AGES_EVERY = 5_000;
const SOON = 1_000;
const WAIT_VISIBLY_AFTER = 200;
const WAIT_FOR_EVENTS = 1_500;

const main = document.getElementById("main");
const live = document.getElementById("live");
const away = document.getElementById("away");
const account = document.getElementById("account");
let session = { permissions: [], token_expected: false };
let leave = new AbortController();
let handler = () => {};
let failed = false;

// Show what the address says. Events that come while the view still loads are kept for it.
async function show() {
  leave.abort();
  leave = new AbortController();
  failed = false;
  const { signal } = leave;
  if (!VIEWS.some(([pattern]) => pattern.test(location.hash))) history.replaceState(null, "", "#/files");
  const [pattern, section, view] = VIEWS.find(([known]) => known.test(location.hash));
  for (const link of document.querySelectorAll(".top nav a")) {
    if (link.getAttribute("href") === section) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const early = [];
  handler = (event) => early.push(event);
  const slow = setTimeout(() => { if (!signal.aborted) main.replaceChildren(waiting()); }, WAIT_VISIBLY_AFTER);
  const page = {
    signal,
    may: (permission) => session.permissions.includes(permission),
    title: (text) => {
      document.title = `${text} – xivo-confgend`;
      main.setAttribute("aria-label", text);
    },
    render: (...nodes) => {
      clearTimeout(slow);
      if (!signal.aborted) main.replaceChildren(...nodes);
    },
    onEvent: (call) => {
      if (signal.aborted) return;
      handler = call;
      early.splice(0).forEach(call);
    },
    every: (milliseconds, call) => {
      const timer = setInterval(() => { if (!document.hidden) call().catch(page.fail); }, milliseconds);
      signal.addEventListener("abort", () => clearInterval(timer));
    },
    // Calls a second later, once for all that happened until then.
    soon: (call) => {
      let timer = 0;
      return () => {
        timer ||= setTimeout(() => {
          timer = 0;
          if (!signal.aborted) call().catch(page.fail);
        }, SOON);
      };
    },
    fail: (error) => {
      if (error.name === "AbortError" || signal.aborted) return;
      if (!(error instanceof Problem)) console.error(error);
      failed = true;
      page.render(explain(error));
    },
  };
  try {
    await view(page, pattern.exec(location.hash));
  } catch (error) {
    page.fail(error);
  } finally {
    clearTimeout(slow);
  }
}

function explain(error) {
  if (error.status === 401) {
    return element("div", { class: "welcome" },
      element("h2", {}, "Sign in"),
      element("p", {}, "This daemon answers to those who have a token."),
      element("button", { type: "button", class: "primary", onclick: signIn }, "Sign in …"));
  }
  const known = error instanceof Problem;
  const title = known ? error.title : "This page made a mistake";
  const text = known ? error.message : `${error.name}: ${error.message}`;
  return element("div", {}, notice("bad", title, ...(text ? [text] : [])),
    element("p", {}, element("button", { type: "button", onclick: show }, "Try again"), " ",
      element("a", { href: "#/files", class: "button" }, "To the files")));
}

async function askWho() {
  try {
    session = await getJson("/1.0/session");
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    session = { permissions: [], token_expected: true, method: "unknown" };
  }
  account.replaceChildren(...(hasToken() ? ["Sign out", element("span", { class: "middle" }, ` ${session.name ?? ""}`)] : ["Sign in"]));
  account.hidden = !session.token_expected && !hasToken();
}

// A token that the daemon does not know is never kept: what the header says is true while the dialog asks once more.
async function signIn() {
  for (let trouble = ""; ;) {
    const given = await ask({
      title: "Sign in",
      text: "With a token of rest_api.tokens in the daemon’s configuration. It is kept until this tab is closed.",
      field: "Token", secret: true, button: "Sign in", trouble,
    });
    if (!given) return;
    trouble = await refusal(given.trim());
    if (!trouble) break;
  }
  await startAnew();
  announce(`Signed in as ${session.name}`, true);
}

// Use the token `text` if the daemon knows it; resolves to what is wrong with it otherwise.
async function refusal(text) {
  try {
    const found = await getJson("/1.0/session", undefined, text);
    if (found.method !== "token") return "The daemon does not know this token.";
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return error.status === 401 ? "The daemon does not know this token." : [error.title, error.message].filter(Boolean).join(": ");
  }
  useToken(text);
  return "";
}

// `#token=…` signs in and goes from the address at once: the link that the demonstration prints.
const LINK = /^#token=([^&]+)$/;
async function followLink() {
  const link = LINK.exec(location.hash);
  if (!link) return;
  history.replaceState(null, "", "#/files");
  await refusal(decodeURIComponent(link[1]));
}

async function startAnew() {
  await askWho();
  await restartEvents();
  await show();
}

account.addEventListener("click", async () => {
  if (!hasToken()) return signIn();
  useToken("");
  await startAnew();
  announce("Signed out", true);
});

// Resolves when events come, or when they do not soon: what a view asks for afterwards is not older than its events.
let stopEvents = () => "";
function restartEvents(since = "") {
  stopEvents();
  stopEvents = () => "";
  return new Promise((resolve) => {
    if (document.hidden) return resolve();
    setTimeout(resolve, WAIT_FOR_EVENTS);
    stopEvents = listen((event) => {
      if (event.event === "hello") resolve();
      else if (event.event === "reset" || event.event === "reloaded") askWho().then(show);
      else handler(event);
    }, (state) => {
      tellConnection(state);
      if (state !== "on") resolve();
    }, since);
  });
}

// A page that nobody sees does not listen: browsers have few connections to one daemon, and people many tabs.
document.addEventListener("visibilitychange", async () => {
  const since = stopEvents();
  if (document.hidden) return;
  await restartEvents(since);
  if (!since) await show();
});

function tellConnection(state) {
  live.className = `live ${state}`;
  live.textContent = { on: "live", off: "not connected", refused: "not signed in" }[state];
  if (state === "off" && away.hidden) {
    const since = new Date().toLocaleTimeString();
    away.textContent = `Not connected to the daemon since ${since}. What you see may be old; the page comes back by itself.`;
  }
  away.hidden = state !== "off";
  if (state === "on" && failed) show();
}

setInterval(() => {
  for (const time of document.querySelectorAll("[data-age]")) time.textContent = age(time.dataset.age);
}, AGES_EVERY);

// Whoever follows a link with the keyboard goes on from the same link if it is still there, from the file that he comes
// back from, or else from the new content. A page that was left is scrolled as it was.
const scrolled = new Map();
window.addEventListener("hashchange", async ({ oldURL }) => {
  const before = new URL(oldURL).hash;
  scrolled.set(before, window.scrollY);
  const followed = document.activeElement?.closest?.("main a[href]")?.getAttribute("href");
  await show();
  const links = [...main.querySelectorAll("a[href]")];
  const same = links.find((link) => link.hasAttribute("aria-current") && link.getAttribute("href") === followed);
  const left = location.hash === "#/files" && links.find((link) => link.getAttribute("href") === FILE.exec(before)?.[0]);
  (same || left || main).focus({ preventScroll: true });
  window.scrollTo(0, scrolled.get(location.hash) ?? 0);
});
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});

await followLink();
await startAnew();
