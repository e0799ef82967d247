// The health of the daemon, check by check, and the files that need a look; asked again every few seconds.

import { Problem, getJson } from "./api.js";
import { badge, counted, element, moment, table, timeElement } from "./dom.js";
import { loss, since } from "./files.js";

const EVERY = 5000;
const VERDICTS = {
  ok: ["well", () => "Everything is well"],
  degraded: ["worn", (checks) => `Requests are answered, but something is wrong: ${checks}`],
  failing: ["ill", (checks) => `Requests cannot be answered: ${checks}`],
};
const SHOWN = 5;
const COLUMNS = [["File"], ["State"], ["Remarks"]];

export async function status(page) {
  page.title("Status");
  const head = element("div", { class: "verdict", role: "status" });
  const checks = element("ul", { class: "checks", id: "status" });
  const files = element("div");

  async function refresh() {
    const told = await ask(page.signal);
    const [kind, verdict] = VERDICTS[told.health];
    head.className = `verdict ${kind}`;
    // Said again only when it is something else: it is a live region.
    const text = verdict(told.checks.filter((check) => !check.ok).map((check) => check.name).join(", "));
    if (head.dataset.told !== text) {
      head.dataset.told = text;
      head.replaceChildren(element("strong", {}, text));
    }
    checks.replaceChildren(...told.checks.map(check));
    files.replaceChildren(...(told.files?.length ? [remarkable(told.files)] : []));
    return told;
  }

  const { version, started_at } = await refresh();
  page.render(
    element("div", { class: "headline" }, element("h2", {}, "Status"),
      version && element("p", { class: "quiet", title: moment(started_at) }, `xivo-confgend ${version}, started `, timeElement(started_at))),
    head, files, checks);
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
    element("p", {}, detail ?? ""));
}

function remarkable(files) {
  return element("section", { "aria-label": "Files" }, element("h3", {}, "Files that need a look"), table("remarkable", "Files that are stale, failed or pinned, or have warnings", COLUMNS,
    element("tbody", {}, files.map((file) => element("tr", { "data-file": file.name },
      element("th", { scope: "row" }, element("a", { href: `#/files/${file.name}` }, file.name)),
      element("td", {}, badge(file.state), file.pinned && badge("pinned")),
      element("td", { class: "remarks" },
        file.reason && element("p", { class: "reason" }, ...since({ failing_since: file.since }), file.reason),
        file.pinned && element("p", {}, "pinned ", timeElement(file.pinned_at)),
        file.shrunk && element("p", { class: "remark" }, `shrank ${loss(file.shrunk)}`),
        file.warnings.count > 0 && element("p", { class: "remark" }, counted(file.warnings.count, "warning")),
        element("ul", {}, file.warnings.lines.slice(0, SHOWN).map((line) => element("li", {}, line)))))))));
}
