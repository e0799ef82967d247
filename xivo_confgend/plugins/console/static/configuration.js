// The merged configuration and where each value comes from. Secrets never reach this page.

import { getJson } from "./api.js";
import { count, element, labelled, notice, table } from "./dom.js";

const COLUMNS = [["Key"], ["Value"], ["From", "middle"]];

export async function configuration(page) {
  page.title("Configuration");
  const { items, warnings } = await getJson("/1.0/config", page.signal);
  const lines = items.map(({ path, value, origin }) => ({ path, value: written(value), origin }));
  const body = element("tbody");
  const none = element("div");
  const told = element("p", { class: "quiet", role: "status" });
  const filter = element("input", { type: "search", id: "config-filter", autocomplete: "off", oninput: fill });
  const changed = element("input", { type: "checkbox", id: "config-changed", onchange: fill });

  function fill() {
    const wanted = filter.value.toLowerCase();
    const shown = lines.filter(({ path, value, origin }) => (!changed.checked || origin !== "default")
      && [path.join("."), value, origin].some((text) => text.toLowerCase().includes(wanted)));
    body.replaceChildren(...shown.map(row));
    told.textContent = shown.length < lines.length ? `${count(shown.length)} of ${count(lines.length)}` : `${count(lines.length)} values`;
    none.replaceChildren(...(shown.length ? [] : [changed.checked && !wanted
      ? notice("", "Everything is as it comes", "No file, variable or argument sets another value.")
      : notice("", "No value matches", "Take something out of the filter.")]));
  }

  fill();
  page.render(
    element("div", { class: "headline" }, element("h2", {}, "Configuration"), told,
      element("label", { class: "switch spread", for: "config-changed" }, changed, "only what differs from the defaults"),
      labelled("Find a value", filter)),
    ...warnings.map((line) => notice("warn", line)),
    table("configuration", "Every configured value with its origin", COLUMNS, body), none);
}

const written = (value) => (Array.isArray(value) ? value.map(written).join(", ") || "[]" : typeof value === "string" ? value || '""' : JSON.stringify(value));

function row({ path, value, origin }) {
  const kind = origin === "default" ? "quiet" : "origin";
  return element("tr", { "data-key": path.join(".") },
    element("th", { scope: "row", class: "path" },
      path.slice(0, -1).map((key) => element("span", { class: "quiet" }, `${key} › `)), path.at(-1),
      element("div", { class: `narrow small ${kind}` }, origin)),
    element("td", { class: "path" }, value),
    element("td", { class: `path middle ${kind}` }, origin));
}
