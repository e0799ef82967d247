// The table of files. A file that is generated, fails or goes stale changes and moves while one looks.

import { getJson } from "./api.js";
import { announce, badge, count, counted, duration, element, labelled, notice, size, timeElement } from "./dom.js";

const COLUMNS = [
  { title: "File", key: (file) => file.name },
  { title: "State", key: stateRank },
  { title: "Lines", key: (file) => file.lines ?? -1, kind: "number wide" },
  { title: "Size", key: (file) => file.size ?? -1, kind: "number middle" },
  { title: "Generated", key: (file) => file.generated_at ?? "", kind: "number middle" },
  { title: "Took", key: (file) => file.duration ?? -1, kind: "number middle" },
  { title: "Statements", key: (file) => file.statements ?? -1, kind: "number wide" },
  { title: "Driver", key: (file) => file.driver?.name ?? "", kind: "wide" },
];
const STATES = ["failed", "stale", "pinned", "generating", "fresh", "none"];
const FAILING = ["failed", "stale"];
const TOLD = { shrunk: "is much smaller than before", stale: "is stale", failed: "failed", pinned: "is pinned", unpinned: "is not pinned any more" };
const MOVE = { duration: 350, easing: "ease-out" };
// How the table is sorted and filtered: whoever comes back from a file finds it as he left it.
const chosen = { column: 0, direction: 1, only: "", wanted: "" };
const still = window.matchMedia("(prefers-reduced-motion: reduce)");

export function stateOf(file) {
  if (file.generating) return "generating";
  return file.pin ? "pinned" : file.state;
}

// Sorted by state, a file that is being generated stays where it is until it is known what came of it.
function stateRank(file) {
  return STATES.indexOf(file.pin ? "pinned" : file.state);
}

// What needs a look stands above everything else, however the table is sorted. While it is generated it stays there.
const failing = (file) => FAILING.includes(file.state);

// A pinned file may fail at the same time: that is not hidden by the pin.
export const badges = (file) => [
  badge(stateOf(file)),
  file.pin && failing(file) ? badge(file.state) : null,
];

export async function files(page) {
  page.title("Files");
  const { items } = await getJson("/1.0/files", page.signal);
  const all = new Map(items.map((file) => [file.name, file]));
  const rows = new Map(items.map((file) => [file.name, row(file)]));
  const body = element("tbody");
  const summary = element("div", { class: "chips", role: "group", "aria-label": "Show only files in a state" });
  const none = element("div");
  const filter = element("input", { type: "search", id: "file-filter", autocomplete: "off", value: chosen.wanted, oninput: () => arrange() });
  const heads = COLUMNS.map(({ title, kind }, column) => element("th", { scope: "col", class: kind },
    element("button", { type: "button", onclick: () => sort(column) }, title)));

  function sort(column) {
    chosen.direction = chosen.column === column ? -chosen.direction : 1;
    chosen.column = column;
    arrange();
  }

  function compared(a, b) {
    if (failing(a) !== failing(b)) return failing(a) ? -1 : 1;
    const { key } = COLUMNS[chosen.column];
    const [left, right] = [key(a), key(b)];
    if (left !== right) return (left < right ? -1 : 1) * chosen.direction;
    return a.name < b.name ? -1 : 1;
  }

  function arrange() {
    chosen.wanted = filter.value.toLowerCase();
    const shown = [...all.values()]
      .filter((file) => file.name.toLowerCase().includes(chosen.wanted) && (!chosen.only || stateOf(file) === chosen.only)).sort(compared);
    move(body, () => put(body, shown.map((file) => rows.get(file.name))));
    heads.forEach((head, column) => {
      head.setAttribute("aria-sort", column !== chosen.column ? "none" : chosen.direction > 0 ? "ascending" : "descending");
    });
    summarise();
    none.replaceChildren(...(shown.length ? [] : [nothing()]));
  }

  function nothing() {
    if (all.size) return notice("", "No file matches", "Take something out of the filter.");
    return notice("", "No file is served", "No driver is installed, or the configuration switches all off: ",
      element("p", {}, element("a", { href: "#/drivers" }, "see the drivers")));
  }

  function summarise() {
    const counts = new Map();
    for (const file of all.values()) counts.set(stateOf(file), (counts.get(stateOf(file)) ?? 0) + 1);
    if (chosen.only && !counts.has(chosen.only)) counts.set(chosen.only, 0);
    const chips = [["", "all", all.size], ...STATES.filter((state) => counts.has(state)).map((state) => [state, state, counts.get(state)])];
    const focused = summary.contains(document.activeElement) ? document.activeElement.dataset.state : null;
    summary.replaceChildren(...chips.map(([state, title, many]) => element("button", {
      type: "button", class: `chip ${state}`, "data-state": state, "aria-pressed": String(state === chosen.only),
      onclick: () => { chosen.only = state; arrange(); },
    }, element("b", {}, count(many)), ` ${title}`)));
    if (focused !== null) (summary.querySelector(`[data-state="${focused}"]`) ?? summary.firstChild).focus();
  }

  function change(event) {
    const { file } = event;
    if (!file) return;
    const before = rows.get(file.name);
    const after = row(file);
    if (stateOf(all.get(file.name) ?? {}) !== stateOf(file) || event.event === "generated") after.classList.add("flash");
    all.set(file.name, file);
    rows.set(file.name, after);
    const focused = before?.contains(document.activeElement);
    before?.replaceWith(after);
    if (focused) after.querySelector("a").focus();
    arrange();
    if (event.event in TOLD) announce(`${file.name} ${TOLD[event.event]}`);
  }

  arrange();
  page.render(
    element("div", { class: "headline" }, element("h2", {}, "Files"), summary, labelled("Find a file", filter, "spread")),
    element("div", { class: "card" }, element("table", { id: "files" },
      element("caption", { class: "visually-hidden" }, "Every file that is served; the heads of the columns sort; failing files come first"),
      element("thead", {}, element("tr", {}, heads)), body)),
    none);
  page.onEvent(change);
}

// Make `rows` the children of `body` without touching those that stay where they are: they may have the focus.
function put(body, rows) {
  const wanted = new Set(rows);
  for (const row of [...body.children]) if (!wanted.has(row)) row.remove();
  rows.forEach((row, at) => { if (body.children[at] !== row) body.insertBefore(row, body.children[at] ?? null); });
}

// Let rows glide from where they were to where `change` puts them.
function move(body, change) {
  const before = new Map([...body.children].map((row) => [row.dataset.file, row.getBoundingClientRect().top]));
  const focused = body.contains(document.activeElement) ? document.activeElement : null;
  change();
  if (focused?.isConnected) focused.focus({ preventScroll: true });
  if (still.matches) return;
  for (const row of body.children) {
    const distance = (before.get(row.dataset.file) ?? NaN) - row.getBoundingClientRect().top;
    if (distance) row.animate([{ transform: `translateY(${distance}px)` }, { transform: "none" }], MOVE);
  }
}

export const loss = ({ lines_before, lines, size_before, size: now }) =>
  `from ${count(lines_before)} to ${counted(lines, "line")} (${size(size_before)} to ${size(now)})`;

export const since = (file) => (file.failing_since ? ["since ", timeElement(file.failing_since), ": "] : []);

function row(file) {
  const driver = file.driver && `${file.driver.distribution} ${file.driver.version}`;
  return element("tr", { "data-file": file.name, "data-state": stateOf(file) },
    element("th", { scope: "row" },
      element("a", { href: `#/files/${file.name}` }, element("span", { class: "quiet" }, `${file.resource}/`), element("wbr"), file.filename),
      file.last_error && element("p", { class: "reason" }, ...since(file), file.last_error),
      file.shrunk && element("p", { class: "remark" }, `shrank ${loss(file.shrunk)}`),
      file.warnings.count > 0 && element("p", { class: "remark" }, counted(file.warnings.count, "warning"))),
    element("td", {}, badges(file)),
    element("td", { class: "number wide" }, count(file.lines)),
    element("td", { class: "number middle" }, size(file.size)),
    element("td", { class: "number middle" }, timeElement(file.generated_at)),
    element("td", { class: "number middle" }, duration(file.duration)),
    element("td", { class: "number wide" }, count(file.statements)),
    element("td", { class: "wide", title: driver }, file.driver?.name ?? "–"));
}
