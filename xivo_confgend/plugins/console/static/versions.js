// The kept versions of a file, and what differs between two of them.

import { filePath, getJson, getText } from "./api.js";
import { badge, count, duration, element, moment, notice, short, size, table, timeElement } from "./dom.js";
import { sideBySide } from "./diff.js";

const COLUMNS = [["Version"], ["Came up"], ["Took", "number wide"], ["Size", "number middle"], ["Lines", "number wide"], ["Changes"], ["Pin"]];

export async function versions(page, name, pin) {
  const { items } = await getJson(`${filePath(name)}/versions`, page.signal);
  if (!items.length) return notice("", "No version is kept yet", "The first is kept when the file is generated.");
  return element("div", {},
    element("p", { class: "hint" }, "The distinct contents that are kept, the latest first."),
    table("versions", "Kept versions", COLUMNS, element("tbody", {}, items.map((version, at) => row(version, items[at + 1])))));

  function row(version, before) {
    const { digest } = version;
    return element("tr", { "data-version": digest },
      element("th", { scope: "row" },
        element("a", { href: `#/files/${name}?version=${digest}` }, element("code", {}, short(digest))), " ",
        version.current && badge("fresh", "current"), version.pinned && badge("pinned")),
      element("td", {}, timeElement(version.generated_at), element("div", { class: "quiet small middle" }, moment(version.generated_at))),
      element("td", { class: "number wide" }, duration(version.duration)),
      element("td", { class: "number middle" }, size(version.size)),
      element("td", { class: "number wide" }, count(version.lines), before && change(version.lines - before.lines)),
      element("td", {}, before
        ? element("a", { href: `#/files/${name}/diff?from=${before.digest}&to=${digest}`, "aria-label": `What changed with ${short(digest)}` }, "What changed")
        : element("span", { class: "quiet" }, "the first kept")),
      element("td", {}, element("button", {
        type: "button", disabled: !page.may("operate") || version.pinned, "aria-label": `Pin ${short(digest)}`,
        onclick: () => pin(digest).catch(page.fail),
      }, version.pinned ? "Pinned" : "Pin")));
  }
}

const change = (lines) => (lines ? element("span", { class: "quiet small" }, ` (${lines > 0 ? "+" : "−"}${count(Math.abs(lines))})`) : null);

export async function differences(page, name, query) {
  const { items } = await getJson(`${filePath(name)}/versions`, page.signal);
  if (items.length < 2) return notice("", "There is nothing to compare yet", "Only one version of this file is kept. The next one comes when its content changes.");
  const to = query.get("to") ?? items[0].digest;
  const from = query.get("from") ?? items[Math.min(items.length - 1, items.findIndex((one) => one.digest === to) + 1)].digest;
  const choose = (id, label, chosen, make) => element("label", { for: id }, label,
    element("select", { id, onchange: (event) => { location.hash = make(event.target.value); } },
      items.map((one) => element("option", { value: one.digest, selected: one.digest === chosen },
        `${short(one.digest)} · ${moment(one.generated_at)}${one.current ? " · current" : ""}`))));
  const response = await getText(`${filePath(name)}/diff?from=${from}&to=${to}`, page.signal);
  const masked = response.headers.get("Confgend-Masked") === "true";
  return element("div", {},
    element("div", { class: "tools" },
      choose("diff-from", "Older", from, (digest) => `#/files/${name}/diff?from=${digest}&to=${to}`),
      choose("diff-to", "Newer", to, (digest) => `#/files/${name}/diff?from=${from}&to=${digest}`)),
    masked && element("p", { class: "hint" }, "Secrets are masked: one that changed is shown as a changed line."),
    sideBySide(await response.text(), (line) => `#/files/${name}?version=${to}&line=${line}`));
}
