// One file: its facts, the operator's buttons, and its three sides: content, versions, differences.

import { Problem, filePath, getJson, getText, post, put, readText, remove } from "./api.js";
import { announce, count, counted, duration, element, moment, notice, short, size, timeElement, waiting } from "./dom.js";
import { ask } from "./dialog.js";
import { badges, loss, since } from "./files.js";
import { reader } from "./reader.js";
import { differences, versions } from "./versions.js";

const TABS = [["content", "Content", ""], ["versions", "Versions", "/versions"], ["diff", "Differences", "/diff"]];
const PIN = "Clients get this version, whatever the database says, until it is unpinned.";
const SHRUNK = "It is served as it is. If something was deleted by mistake, pin the version before.";
const WARNED = "Of the generation that gave this content: what it says was left out, or written otherwise than it stands in the database.";
const LONG = ["Driver", "Reused by", "Changed last", "Depends on"];
const INVALIDATE = "The last good content is forgotten: if the next generation fails, clients get nothing.";

export async function file(page, name, tab, query) {
  page.title(name);
  const address = filePath(name);
  const head = element("div", { class: "headline" });
  const facts = element("div");
  const trouble = element("div");
  const newer = element("div");
  const body = element("div", { class: "side" }, waiting());
  let known = await getJson(`${address}/info`, page.signal);
  let busy = false;
  let shown = null;

  // `paint` shows what is known; `fill` asks for the side that is shown.
  function paint() {
    const focused = head.contains(document.activeElement) ? document.activeElement.dataset.act : null;
    head.replaceChildren(element("h2", {}, element("span", { class: "quiet" }, `${known.resource}/`), known.filename),
      ...badges(known).filter(Boolean), buttons());
    if (focused) (head.querySelector(`[data-act="${focused}"]:enabled`) ?? head.querySelector("button:enabled"))?.focus();
    facts.replaceChildren(factsOf(known), ...noticesOf(known));
    tellNewer();
  }

  async function fill(line) {
    try {
      if (tab === "content") await fillContent(line);
      else body.replaceChildren(await (tab === "versions" ? versions(page, name, pin) : differences(page, name, query)));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (error.status === 401) throw error;
      body.replaceChildren(notice(error.status === 404 ? "" : "bad", error.title, error.message));
    }
  }

  async function fillContent(line) {
    const version = query.get("version");
    const path = version ? `${address}/versions/${version}` : `${address}?cached=true`;
    const response = await getText(path, page.signal);
    const whole = Number(response.headers.get("Confgend-Size"));
    const progress = body.querySelector(".waiting [role=status]");
    const text = await readText(response, (length) => {
      if (progress) progress.textContent = `Loading … ${size(Math.min(length, whole))} of ${size(whole)}`;
    });
    shown = version ? null : response.headers.get("Confgend-Digest");
    body.replaceChildren(...contentOf(text, response, version, line));
    tellNewer();
  }

  function contentOf(text, response, version, line) {
    const masked = response.headers.get("Confgend-Masked") === "true";
    const hints = [
      version && element("p", { class: "hint" }, `This is the kept version ${short(version)}. `, element("a", { href: `#/files/${name}` }, "Show the current content")),
      masked && element("p", { class: "hint" }, "Secrets are masked."),
    ].filter(Boolean);
    if (!text) return [...hints, notice("", "The file is empty", "The driver generated nothing: the database has nothing for it.")];
    const moved = (number) => history.replaceState(null, "", `#/files/${name}?${new URLSearchParams(version ? { version, line: number } : { line: number })}`);
    return [...hints, reader(text, name, line, moved)];
  }

  // What is read stays where it is; that there is a newer content is said beside it.
  function tellNewer() {
    const served = known.pin ? known.pin.digest : known.digest;
    const old = tab === "content" && shown && served && shown !== served;
    newer.replaceChildren(...(old ? [element("div", { class: "notice warn", role: "status" },
      element("strong", {}, known.pin ? "Another version is served now" : "A newer content was generated"),
      element("p", {}, element("button", { type: "button", onclick: showNewer }, "Show it"), " ",
        element("a", { class: "button", href: `#/files/${name}/diff` }, "What changed")))] : []));
  }

  const showNewer = () => fill(Number(new URLSearchParams(location.hash.split("?")[1]).get("line"))).catch(page.fail);

  async function act(what, done) {
    trouble.replaceChildren();
    busy = true;
    paint();
    try {
      await what();
      announce(done, true);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      trouble.replaceChildren(notice("bad", error.title, error.message));
    } finally {
      busy = false;
    }
    known = await getJson(`${address}/info`, page.signal);
    paint();
    if (tab === "versions") await fill();
    else if (newer.firstChild) await showNewer();
  }

  async function pin(digest) {
    const reason = await ask({ title: `Pin ${short(digest)}?`, text: PIN, field: "Reason, for the colleagues", button: "Pin" });
    if (reason !== null) await act(() => put(`${address}/pin`, { digest, reason }), `${name} is pinned`);
  }

  async function invalidate() {
    if (await ask({ title: `Invalidate ${name}?`, text: INVALIDATE, button: "Invalidate", danger: true })) {
      await act(() => remove(address), `${name} was invalidated`);
    }
  }

  function buttons() {
    const allowed = page.may("operate");
    const button = (title, kind, call, possible = true) => element("button", {
      type: "button", class: kind, "data-act": title, disabled: !allowed || busy || !possible, onclick: () => call().catch(page.fail),
    }, title);
    return element("div", { class: "acts spread" },
      !allowed && element("span", { class: "quiet" }, "Read only: operations need a token that may operate."),
      button("Regenerate", "primary", () => act(() => post(address), `${name} was generated`)),
      known.pin ? button("Unpin", "", () => act(() => remove(`${address}/pin`), `${name} is not pinned any more`))
        : button("Pin", "", () => pin(known.digest), Boolean(known.digest)),
      button("Invalidate", "danger", invalidate, Boolean(known.digest)));
  }

  paint();
  page.render(
    element("nav", { class: "crumbs", "aria-label": "Way back" }, element("a", { href: "#/files" }, "Files"), " / ", known.name),
    head, trouble, facts,
    element("nav", { class: "tabs", "aria-label": "Sides of the file" }, TABS.map(([id, title, path]) =>
      element("a", { href: `#/files/${name}${path}`, "aria-current": id === tab ? "page" : null }, title))),
    newer, body);
  page.onEvent((event) => {
    if (event.file?.name !== name) return;
    known = event.file;
    paint();
    if (["version", "pinned", "unpinned", "invalidated"].includes(event.event) && tab === "versions") fill().catch(page.fail);
  });
  await fill(Number(query.get("line")));
}

function factsOf(known) {
  const driver = known.driver && `${known.driver.distribution} ${known.driver.version}`;
  const facts = [
    ["Generated", timeElement(known.generated_at)],
    ["Took", duration(known.duration)],
    ["Size", size(known.size)],
    ["Lines", count(known.lines)],
    ["Statements", count(known.statements)],
    ["Memory", size(known.peak_memory)],
    ["Driver", known.driver ? element("span", { title: driver }, `${known.driver.name}, ${driver}`) : "not clear"],
    ["Digest", known.digest ? element("code", { title: known.digest }, short(known.digest)) : "–"],
    ...freshnessOf(known.freshness),
  ];
  return element("dl", { class: "facts" }, facts.map(([term, value]) =>
    element("div", { class: LONG.includes(term) ? "long" : null }, element("dt", {}, term), element("dd", {}, value))));
}

// Why the last answer was what it was, and what spares the next generation.
function freshnessOf(told) {
  const reason = told.reason ? `${told.mode}: ${told.reason}` : told.mode;
  const changed = told.changed ? element("span", {}, `${told.changed}, `, timeElement(told.changed_at)) : "–";
  return [
    ["Last answer", told.why ?? "–"],
    ["Reused by", reason ?? "–"],
    ["Changed last", changed],
    ["Depends on", told.tables.length ? told.tables.join(", ") : "–"],
  ];
}

function noticesOf(known) {
  const notices = [];
  if (known.last_error) {
    notices.push(notice("bad", known.state === "stale" ? "Stale: the last good content is served" : "Nothing can be served",
      element("p", {}, ...since(known), known.last_error)));
  }
  if (known.shrunk) notices.push(notice("warn", `The last change shrank the file ${loss(known.shrunk)}`, SHRUNK, element("p", {}, element("a", { href: `#/files/${known.name}/diff` }, "What is gone"))));
  if (known.warnings.count) notices.push(warningsOf(known.warnings));
  if (known.pin) {
    const { digest, pinned_at, pinned_by, reason } = known.pin;
    notices.push(notice("warn", `Pinned to ${short(digest)} by ${pinned_by}, ${moment(pinned_at)}`, reason || "No reason was given.", PIN));
  }
  return notices;
}

function warningsOf({ count: all, lines }) {
  const rest = all - lines.length;
  return element("details", { class: "notice warn", id: "warnings", open: lines.length <= 5 },
    element("summary", {}, element("strong", {}, counted(all, "warning"))),
    element("p", {}, WARNED),
    element("ul", {}, lines.map((line) => element("li", {}, line))),
    rest > 0 && element("p", {}, `${counted(rest, "more warning")} ${rest === 1 ? "is" : "are"} only counted.`));
}
