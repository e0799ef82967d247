// A unified diff, side by side: what went is left, what came is right, and a sign says so beside the colour.

import { count, element, notice } from "./dom.js";

const AT_ONCE = 2000;
const HUNK = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@ ?(.*)/;

// `link(line)` is the address of a line of the newer version.
export function sideBySide(unified, link) {
  if (!unified) return notice("", "The two versions are the same");
  const rows = [...pairs(unified.split("\n"))];
  const went = rows.filter((row) => row.changed && row.left).length;
  const came = rows.filter((row) => row.changed && row.right).length;
  const body = element("tbody", { role: "rowgroup" });
  const more = element("button", { type: "button", onclick: show }, "");
  let shown = 0;

  function show() {
    body.append(...rows.slice(shown, shown + AT_ONCE).map((row) => (row.hunk === undefined ? pair(row) : hunk(row, link))));
    shown = Math.min(rows.length, shown + AT_ONCE);
    more.textContent = `Show more: ${count(rows.length - shown)} lines are left`;
    more.hidden = shown === rows.length;
  }

  show();
  return element("div", {},
    element("p", { class: "hint" }, element("span", { class: "went" }, `− ${count(went)}`), " ", element("span", { class: "came" }, `+ ${count(came)}`), " lines"),
    element("div", { class: "card" }, element("table", { class: "diff", id: "diff", role: "table" },
      element("caption", { class: "visually-hidden" }, "What changed: the older version left, the newer one right"),
      element("colgroup", {}, ["at", "", "at", ""].map((kind) => element("col", { class: kind }))),
      element("thead", { class: "visually-hidden", role: "rowgroup" }, element("tr", { role: "row" },
        ["Line before", "Before", "Line after", "After"].map((title) => element("th", { scope: "col", role: "columnheader" }, title)))),
      body)),
    more);
}

// Rows of the table: hunks, lines that both have, and changed lines, what went beside what came.
function* pairs(lines) {
  let left = 0;
  let right = 0;
  let began = false;
  let went = [];
  let came = [];
  function* changed() {
    for (let at = 0; at < Math.max(went.length, came.length); at += 1) yield { left: went[at], right: came[at], changed: true };
    went = [];
    came = [];
  }
  for (const line of lines) {
    const head = HUNK.exec(line);
    const text = line.slice(1);
    if (head) {
      yield* changed();
      began = true;
      [left, right] = [Number(head[1]), Number(head[2])];
      yield { hunk: head[3], right };
    } else if (began && line.startsWith("-")) {
      went.push({ number: left++, text });
    } else if (began && line.startsWith("+")) {
      came.push({ number: right++, text });
    } else if (began && line.startsWith(" ")) {
      yield* changed();
      yield { left: { number: left++, text }, right: { number: right++, text } };
    }
  }
  yield* changed();
}

function hunk(row, link) {
  return element("tr", { class: "hunk", role: "row" }, element("td", { colspan: "4", role: "cell" },
    element("a", { href: link(row.right) }, `Line ${count(row.right)}`), row.hunk && ` ${row.hunk}`));
}

function pair(row) {
  const [before, after] = parts(row);
  return element("tr", { role: "row", class: row.changed ? null : "same" },
    side(row.left, before, row.changed && "went", "−"), side(row.right, after, row.changed && "came", "+"));
}

function side(line, inner, kind, sign) {
  const attributes = { class: line && kind ? kind : line ? null : "gap", role: "cell" };
  return [
    element("td", { ...attributes, class: `at ${attributes.class ?? ""}` }, line && (kind ? `${sign} ${line.number}` : String(line.number))),
    element("td", attributes, inner),
  ];
}

// Of a line that became another one, what is not alike at its beginning and end.
function parts({ left, right, changed }) {
  if (!changed || !left || !right || left.text === right.text) return [left?.text, right?.text];
  const [a, b] = [left.text, right.text];
  const shorter = Math.min(a.length, b.length);
  let first = 0;
  while (first < shorter && a[first] === b[first]) first += 1;
  let last = 0;
  while (last < shorter - first && a.at(-1 - last) === b.at(-1 - last)) last += 1;
  if (!first && !last) return [a, b];
  const cut = (text) => [text.slice(0, first), element("mark", {}, text.slice(first, text.length - last)), text.slice(text.length - last)];
  return [cut(a), cut(b)];
}
