// Reads a text: its lines with highlighting, an index of its sections, a search. 15 MB open at once.

import { announce, count, element, labelled } from "./dom.js";
import { marked, pieces } from "./highlight.js";
import { Lines } from "./lines.js";
import { LONGEST_SHOWN, Text, searched } from "./text.js";

const SEARCH_AFTER = 120;
const WIDE = window.matchMedia("(min-width: 52rem)");

// `line`: number of the line to begin with; `moved` is told the number of each line that the reader jumps to.
export function reader(content, name, line, moved) {
  const yaml = /\.ya?ml$/.test(name);
  const text = new Text(content, !yaml);
  const found = { lines: [], pattern: null, here: -1 };
  const where = element("div", { class: "where" });
  const lines = new Lines({ class: "text", role: "region", "aria-label": `Content of ${name}` }, drawn, tellWhere);
  const index = text.sections.length ? sectionIndex(text, jump) : null;

  function drawn(number) {
    const whole = text.line(number);
    const shown = whole.length > LONGEST_SHOWN ? whole.slice(0, LONGEST_SHOWN) : whole;
    const cut = pieces(shown, yaml);
    const parts = found.pattern ? marked(shown, cut, found.pattern) : cut;
    const more = whole.length - shown.length;
    return element("div", { class: number === found.here ? "row here" : "row" },
      element("i", {}, String(number + 1)),
      parts.filter(([piece]) => piece).map(([piece, kind, mark]) => part(piece, kind, mark)),
      more > 0 && element("em", {}, ` … and ${count(more)} more characters`));
  }

  function tellWhere() {
    const section = text.sectionOf(lines.first);
    const last = Math.min(text.length, lines.first + lines.page);
    const title = section < 0 ? "" : `[${text.section(section).name}]`;
    where.replaceChildren(element("span", { class: "s" }, title),
      element("span", {}, `${count(lines.first + 1)}–${count(last)} of ${count(text.length)} lines`));
    index?.tell(section);
  }

  // A section comes to the top, other lines with some of those before them.
  function jump(number, focus = false) {
    found.here = number;
    lines.goTo(number, text.sections[text.sectionOf(number)] === number ? 0 : 3);
    moved(number + 1);
    if (focus) lines.view.focus({ preventScroll: true });
  }

  const tools = searchTools(text, name, found, lines, jump);
  lines.view.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "f") {
      event.preventDefault();
      tools.field.select();
      tools.field.focus();
    }
  });
  lines.resize(text.length, Math.min(text.width, LONGEST_SHOWN + 40) + 14);
  requestAnimationFrame(() => { if (line) jump(Math.min(line, text.length) - 1); });
  const box = element("div", { class: "reader" }, index?.box, element("div", { class: "page" }, where, lines.view));
  if (index) {
    const toggle = element("button", { type: "button", onclick: () => open(!box.classList.contains("indexed")) }, "Sections");
    const open = (on) => { box.classList.toggle("indexed", on); toggle.setAttribute("aria-expanded", String(on)); };
    tools.form.prepend(toggle);
    open(WIDE.matches);
  }
  return element("div", { class: "reading" }, tools.form, box);
}

function part(piece, kind, mark) {
  const inner = mark ? element("mark", {}, piece) : piece;
  return kind ? element("span", { class: kind }, inner) : inner;
}

// The index is one stop of the Tab key: arrows choose, Enter jumps.
function sectionIndex(text, jump) {
  let shown = text.sections.map((_, at) => at);
  let active = 0;
  let current = -1;
  const filter = element("input", { type: "search", id: "section-filter", autocomplete: "off", oninput: fill, onkeydown: keys });
  const told = element("p", { class: "quiet", role: "status" });
  const list = new Lines({ class: "options", role: "listbox", "aria-label": "Sections", onkeydown: keys }, option);

  function option(at) {
    const { name, type } = text.section(shown[at]);
    return element("div", {
      class: shown[at] === current ? "row current" : "row", role: "option", id: `section-${at}`,
      "aria-selected": String(at === active), "aria-setsize": shown.length, "aria-posinset": at + 1,
      onclick: () => choose(at),
    }, element("span", { class: "s" }, name), type && element("span", { class: "quiet" }, type));
  }

  function choose(at, focus = false) {
    active = at;
    jump(text.sections[shown[at]], focus);
    announce(`Section ${text.section(shown[at]).name}`);
    select();
  }

  function select() {
    if (shown.length) list.view.setAttribute("aria-activedescendant", `section-${active}`);
    else list.view.removeAttribute("aria-activedescendant");
    list.reveal(active);
  }

  function keys(event) {
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: list.page, PageUp: -list.page, Home: -Infinity, End: Infinity };
    const inFilter = event.target === filter;
    if (event.key === "Enter" && shown.length) choose(active, true);
    else if (event.key in steps && !(inFilter && ["Home", "End"].includes(event.key))) {
      active = Math.max(0, Math.min(shown.length - 1, active + steps[event.key]));
      select();
      if (inFilter && shown.length) announce(text.section(shown[active]).name);
    } else return;
    event.preventDefault();
  }

  function fill() {
    const wanted = filter.value.toLowerCase();
    shown = text.sections.map((_, at) => at)
      .filter((at) => !wanted || text.line(text.sections[at]).toLowerCase().includes(wanted));
    active = 0;
    told.textContent = wanted ? `${count(shown.length)} of ${count(text.sections.length)}` : `${count(shown.length)} sections`;
    list.resize(shown.length);
    list.goTo(0);
    select();
  }

  fill();
  const box = element("nav", { class: "index", "aria-label": "Section index" },
    labelled("Find a section", filter), told, list.view);
  return {
    box,
    tell: (section) => {
      if (section === current) return;
      current = section;
      // The index goes along, but not while somebody looks for something in it.
      if (section >= 0 && !filter.value && !box.contains(document.activeElement)) list.reveal(section);
      else list.redraw();
    },
  };
}

function searchTools(text, name, found, lines, jump) {
  let at = -1;
  let timer = 0;
  let looked = "";
  const told = element("span", { class: "quiet", role: "status" });
  const field = element("input", { type: "search", id: "text-search", autocomplete: "off", oninput: () => {
    clearTimeout(timer);
    timer = setTimeout(look, SEARCH_AFTER);
  }, onkeydown: (event) => {
    if (event.key === "Enter" && event.shiftKey) { event.preventDefault(); step(-1); }
  } });

  function look() {
    clearTimeout(timer);
    looked = field.value;
    found.pattern = looked ? searched(looked) : null;
    found.lines = looked ? text.find(looked) : [];
    at = found.lines.findIndex((line) => line >= lines.first) - 1;
    if (found.lines.length) step(1);
    else tell();
  }

  function step(direction) {
    if (field.value !== looked) return look();
    const many = found.lines.length;
    if (many) {
      at = (Math.max(at, -1) + direction + many) % many;
      jump(found.lines[at]);
    }
    tell();
  }

  function tell() {
    const many = found.lines.length;
    told.textContent = !looked ? "" : many ? `${count(at + 1)} of ${count(many)} lines` : "not found";
    lines.redraw();
  }

  const number = element("input", { type: "number", id: "line-number", min: "1", max: String(text.length), onchange: go, onkeydown: (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    go();
  } });
  function go() { jump(Math.min(Math.max(1, Number(number.value) || 1), text.length) - 1); }

  const form = element("form", { class: "tools", role: "search", onsubmit: (event) => { event.preventDefault(); step(1); } },
    labelled("Search", field),
    element("button", { type: "button", onclick: () => step(-1) }, "Previous"),
    element("button", { type: "submit" }, "Next"), told,
    labelled("Go to line", number, "spread"),
    element("button", { type: "button", onclick: () => save(text.content, name) }, "Save"));
  return { form, field };
}

function save(content, name) {
  const address = URL.createObjectURL(new Blob([content], { type: "text/plain" }));
  element("a", { href: address, download: name.split("/").pop() }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
