// Building elements without innerHTML, so that what comes from a database is only ever text; and how people write
// quantities. Knows neither the API nor the views.

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  assign(made, attributes);
  made.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

export function drawing(name, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  assign(made, attributes);
  made.append(...children);
  return made;
}

function assign(made, attributes) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : value);
  }
}

// What people are told: a notice that stays, a skeleton while they wait, a line that goes by itself.

export const notice = (kind, title, ...text) =>
  element("div", { class: `notice ${kind}`, role: kind === "bad" ? "alert" : null },
    element("strong", {}, title), text.map((line) => (line instanceof Node ? line : element("p", {}, line))));

export const waiting = (text = "Loading …") =>
  element("div", { class: "waiting", "aria-busy": "true" },
    element("span", { role: "status" }, text), [90, 70, 82, 60].map((width) => element("i", { class: `bone w${width}` })));

const announcer = document.getElementById("announcer");
let fading = 0;

export function announce(text, visibly = false) {
  announcer.textContent = text;
  announcer.classList.toggle("toast", visibly);
  clearTimeout(fading);
  fading = setTimeout(() => announcer.classList.remove("toast"), 5000);
}

// A table in a card of its own; columns are [title, class] pairs.
export const table = (id, caption, columns, body) =>
  element("div", { class: "card scroll" }, element("table", { id },
    element("caption", { class: "visually-hidden" }, caption),
    element("thead", {}, element("tr", {}, columns.map(([title, kind]) => element("th", { scope: "col", class: kind }, title)))),
    body));

// A field with its label above it.
export const labelled = (title, input, kind = "") => element("label", { for: input.id, class: kind }, title, input);

// How people write quantities: sizes in decimal units, times as the age of something.
const whole = new Intl.NumberFormat("en");
const relative = new Intl.RelativeTimeFormat("en", { style: "narrow", numeric: "always" });
const AGES = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
const UNITS = ["B", "kB", "MB", "GB"];

export const count = (value) => (value === null || value === undefined ? "–" : whole.format(value));

export const counted = (value, one, many = `${one}s`) => `${count(value)} ${value === 1 ? one : many}`;

export function size(bytes) {
  if (bytes === null || bytes === undefined) return "–";
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) { value /= 1000; unit += 1; }
  return `${unit ? value.toFixed(1) : value} ${UNITS[unit]}`;
}

export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  return seconds < 1 ? `${(seconds * 1000).toFixed(seconds < 0.01 ? 1 : 0)} ms` : `${seconds.toFixed(2)} s`;
}

export function age(time) {
  const seconds = (Date.parse(time) - Date.now()) / 1000;
  const found = AGES.find(([, length]) => Math.abs(seconds) >= length);
  return found ? relative.format(Math.round(seconds / found[1]), found[0]) : "now";
}

export const moment = (time) => (time ? new Date(time).toLocaleString() : "–");

export const timeElement = (time, none = "never") =>
  time ? element("time", { datetime: time, title: moment(time), "data-age": time }, age(time)) : element("span", { class: "quiet" }, none);

export const badge = (state, text = state) => element("span", { class: `badge ${state}` }, text);
export const short = (digest) => digest.slice(0, 12);
