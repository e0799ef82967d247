// The health of the daemon, check by check, asked again every few seconds.

import { Problem, getJson } from "./api.js";
import { element, moment, size, timeElement } from "./dom.js";

const EVERY = 5000;

export async function status(page) {
  page.title("Status");
  const head = element("div", { class: "verdict", role: "status" });
  const checks = element("ul", { class: "checks", id: "status" });

  async function refresh() {
    const told = await ask(page.signal);
    const well = told.health === "ok";
    const failing = told.checks.filter((check) => !check.ok).map((check) => check.name);
    head.className = `verdict ${well ? "well" : "ill"}`;
    // Said again only when it is something else: it is a live region.
    const text = well ? "Everything is well" : `Something is wrong: ${failing.join(", ")}`;
    if (head.dataset.told !== text) {
      head.dataset.told = text;
      head.replaceChildren(element("strong", {}, text));
    }
    checks.replaceChildren(...told.checks.map(check));
    return told;
  }

  const { version, started_at } = await refresh();
  page.render(
    element("div", { class: "headline" }, element("h2", {}, "Status"),
      version && element("p", { class: "quiet", title: moment(started_at) }, `xivo-confgend ${version}, started `, timeElement(started_at))),
    head, checks);
  page.every(EVERY, refresh);
  page.onEvent(page.soon(refresh));
}

// A daemon that is not well answers 503 with the same members.
async function ask(signal) {
  try {
    return await getJson("/1.0/status", signal);
  } catch (error) {
    if (error instanceof Problem && error.document.checks) return error.document;
    throw error;
  }
}

function check({ name, ok, detail }) {
  return element("li", { class: ok ? "well" : "ill", "data-check": name },
    element("strong", {}, name), element("span", { class: "visually-hidden" }, ok ? ": good. " : ": failing. "),
    element("p", {}, readable(detail ?? "")));
}

// Large byte counts as people read them.
const readable = (detail) => detail.replace(/\b(\d{4,}) bytes\b/g, (_, bytes) => size(Number(bytes)));
