// The last hour: how many requests, how they were answered, how long generations took, and who did what.

import { getJson } from "./api.js";
import { badge, count, counted, duration, element, labelled, moment, notice, table, timeElement } from "./dom.js";
import { chart, clock, stack, stem } from "./charts.js";

const EVERY = 15_000;
const RESULTS = ["fresh", "cached", "pinned", "stale", "error"];
const AUDIT = "/1.0/audit?limit=20";

export async function activity(page) {
  page.title("Activity");
  const charts = element("div");
  const audit = element("div");
  let points = [];
  let chosen = "";
  let open = false;

  async function refresh() {
    const [recent, log] = await Promise.all([
      getJson("/1.0/metrics/recent", page.signal),
      page.may("operate") ? getJson(AUDIT, page.signal) : null,
    ]);
    points = recent.points;
    draw();
    if (log) audit.replaceChildren(element("h3", {}, "Who did what"), operations(log.items));
  }

  function draw() {
    const focused = charts.contains(document.activeElement) ? document.activeElement.id : "";
    charts.replaceChildren(...(points.length ? drawn() : [notice("", "Nothing to draw yet", "The charts fill minute by minute from the start of the daemon.")]));
    if (focused) document.getElementById(focused)?.focus();
  }

  function drawn() {
    const files = byFile(points);
    if (!files.has(chosen)) chosen = "";
    const select = element("select", { id: "chart-file", onchange: () => { chosen = select.value; draw(); } },
      element("option", { value: "" }, "all files"),
      [...files.keys()].map((name) => element("option", { value: name, selected: name === chosen }, name)));
    const times = points.map((point) => timesOf(point, chosen));
    return [
      totals(points, files),
      element("h3", {}, "Requests a minute"), requestsChart(points), legend(),
      element("div", { class: "headline" }, element("h3", {}, "Generation time"), labelled("File", select, "spread")),
      timesChart(points, times), table("slowest", "Generation time by file", FILE_COLUMNS, element("tbody", {}, slowest(files))),
      details(times),
    ];
  }

  function details(times) {
    const made = element("details", { open, ontoggle: () => { open = made.open; } },
      element("summary", { id: "minutes-summary" }, "Minute by minute"),
      table("minutes", "The charts as a table", MINUTE_COLUMNS, element("tbody", {}, points.map((point, at) => minute(point, times[at])).reverse())));
    return made;
  }

  await refresh();
  page.render(element("div", { class: "headline" }, element("h2", {}, "Activity"), element("p", { class: "quiet" }, "of the last hour")), charts, audit);
  page.every(EVERY, refresh);
  page.onEvent(page.soon(refresh));
}

const FILE_COLUMNS = [["File"], ["Generations", "number"], ["Failed", "number"], ["Mean", "number middle"], ["Longest", "number"]];
const MINUTE_COLUMNS = [["Minute"], ...RESULTS.map((result) => [result, "number middle"]), ["requests", "number"], ["Longest generation", "number"]];
const AUDIT_COLUMNS = [["When"], ["Who"], ["What"], ["Answer", "number"], ["From", "wide"]];

const requestsOf = (point) => RESULTS.reduce((sum, result) => sum + point.requests[result], 0);
const sum = (values) => values.reduce((total, value) => total + value, 0);

// Number, failures, mean and longest time of the generations in `all`; `maximum` is null if none is known.
function summary(all) {
  const known = all.filter((one) => one.seconds.maximum !== null);
  const weight = sum(known.map((one) => one.succeeded + one.failed));
  return {
    generations: sum(all.map((one) => one.succeeded + one.failed)),
    failed: sum(all.map((one) => one.failed)),
    mean: weight ? sum(known.map((one) => one.seconds.mean * (one.succeeded + one.failed))) / weight : null,
    maximum: known.length ? Math.max(...known.map((one) => one.seconds.maximum)) : null,
  };
}

const timesOf = (point, file) => summary(point.generations.filter((one) => !file || one.file === file));

function byFile(points) {
  const found = new Map();
  for (const one of points.flatMap((point) => point.generations)) found.set(one.file, [...(found.get(one.file) ?? []), one]);
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, all]) => [name, summary(all)]));
}

function totals(points, files) {
  const requests = sum(points.map(requestsOf));
  const answer = points.filter((point) => point.request_seconds.mean !== null);
  const weight = sum(answer.map(requestsOf));
  const facts = [
    ["Requests", count(requests)],
    ["Stale or failed", count(sum(points.map((point) => point.requests.stale + point.requests.error)))],
    ["Mean answer", weight ? duration(sum(answer.map((point) => point.request_seconds.mean * requestsOf(point))) / weight) : "–"],
    ["Generations", count(sum([...files.values()].map((one) => one.generations)))],
    ["Longest generation", duration([...files.values()].reduce((most, one) => (one.maximum > (most ?? -1) ? one.maximum : most), null))],
  ];
  return element("dl", { class: "facts big" }, facts.map(([term, value]) =>
    element("div", {}, element("dt", {}, term), element("dd", {}, value))));
}

function requestsChart(points) {
  const highest = Math.max(4, ...points.map(requestsOf));
  const describe = (point) => RESULTS.filter((result) => point.requests[result])
    .map((result) => `${count(point.requests[result])} ${result}`).join(", ") || "no request";
  return chart({
    label: `Requests a minute, at most ${count(Math.max(...points.map(requestsOf)))}`, points, highest, write: count, describe,
    marks: (point, scale) => stack(point, scale, RESULTS.map((result) => [result, point.requests[result]])),
  });
}

const legend = () => element("ul", { class: "legend" }, RESULTS.map((result) => element("li", { class: `part ${result}` }, result)));

function timesChart(points, times) {
  const known = times.filter((one) => one.maximum !== null);
  if (!known.length) return notice("", "No generation in the last hour", "As long as the database does not change, stored contents are served.");
  const highest = Math.max(0.001, ...known.map((one) => one.maximum));
  const at = new Map(points.map((point, index) => [point, times[index]]));
  const describe = (point) => {
    const { generations, failed, mean, maximum } = at.get(point);
    if (!generations) return "no generation";
    return `${counted(generations, "generation")}${failed ? `, ${count(failed)} failed` : ""}, mean ${duration(mean)}, longest ${duration(maximum)}`;
  };
  return chart({
    label: `Generation time a minute, at most ${duration(highest)}`, points, highest, write: duration, describe,
    marks: (point, scale) => (at.get(point).maximum === null ? [] : stem(point, scale, at.get(point), at.get(point).failed)),
  });
}

const slowest = (files) => [...files].sort(([, a], [, b]) => (b.maximum ?? -1) - (a.maximum ?? -1)).map(([name, one]) => element("tr", {},
  element("th", { scope: "row" }, element("a", { href: `#/files/${name}` }, name)),
  element("td", { class: "number" }, count(one.generations)),
  element("td", { class: one.failed ? "number reason" : "number" }, count(one.failed)),
  element("td", { class: "number middle" }, duration(one.mean)),
  element("td", { class: "number" }, duration(one.maximum))));

const minute = (point, times) => element("tr", {},
  element("th", { scope: "row" }, clock(point.at)),
  RESULTS.map((result) => element("td", { class: "number middle" }, count(point.requests[result]))),
  element("td", { class: "number" }, count(requestsOf(point))),
  element("td", { class: "number" }, duration(times.maximum)));

function operations(items) {
  if (!items.length) return notice("", "Nobody did anything yet", "Operations and refused requests are listed here.");
  return table("audit", "Operations and refused requests, the latest first", AUDIT_COLUMNS, element("tbody", {}, items.map((entry) => element("tr", {},
    element("td", { title: moment(entry.at) }, timeElement(entry.at)),
    element("td", {}, entry.who ?? element("span", { class: "quiet" }, "nobody")),
    element("td", { class: "path" }, `${entry.operation} ${entry.path}`, entry.detail && element("div", { class: "quiet" }, entry.detail)),
    element("td", { class: "number" }, badge(entry.status < 400 ? "fresh" : "failed", String(entry.status))),
    element("td", { class: "wide" }, entry.origin)))));
}
