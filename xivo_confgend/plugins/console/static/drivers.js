// What is installed, what is chosen, and why something does not load.

import { getJson } from "./api.js";
import { badge, count, element, labelled, notice, table, waiting } from "./dom.js";

const COLUMNS = [["File"], ["Driver", "middle"], ["State"], ["Package", "middle"], ["Class", "wide"]];
const HOW = "Install a package of drivers with pip, then reload the daemon:";

export async function drivers(page) {
  page.title("Drivers");
  page.render(element("h2", {}, "Drivers"), waiting("Loading every driver, to see whether it loads …"));
  const { items } = await getJson("/1.0/drivers", page.signal);
  if (!items.length) {
    page.render(element("h2", {}, "Drivers"),
      notice("", "No driver is installed", HOW, element("pre", {}, "pip install drivers/wazo\nsystemctl reload xivo-confgend")));
    return;
  }
  const body = element("tbody");
  const filter = element("input", { type: "search", id: "driver-filter", autocomplete: "off", oninput: fill });
  const told = element("p", { class: "quiet", role: "status" });

  function fill() {
    const wanted = filter.value.toLowerCase();
    const shown = items.filter((driver) => [driver.file, driver.name, driver.distribution, driver.class, stateOf(driver).text]
      .some((text) => text.toLowerCase().includes(wanted)));
    body.replaceChildren(...shown.map(row));
    told.textContent = wanted ? `${count(shown.length)} of ${count(items.length)}` : `${count(items.length)} installed`;
  }

  fill();
  page.render(
    element("div", { class: "headline" }, element("h2", {}, "Drivers"), told, labelled("Find a driver", filter, "spread")),
    table("drivers", "Every installed driver", COLUMNS, body));
}

function stateOf(driver) {
  if (driver.problem) return { kind: "failed", text: "unusable" };
  return driver.chosen ? { kind: "fresh", text: "serves" } : { kind: "none", text: "not chosen" };
}

function row(driver) {
  const { kind, text } = stateOf(driver);
  const { name, version, description } = driver.package;
  const about = [[name, version].filter(Boolean).join(" "), description].filter(Boolean).join(": ");
  const [module, classname] = driver.class.split(":");
  return element("tr", { "data-driver": `${driver.file} ${driver.name}` },
    element("th", { scope: "row" },
      driver.chosen ? element("a", { href: `#/files/${driver.file}` }, driver.file) : driver.file,
      element("div", { class: "narrow small quiet" }, driver.name),
      driver.problem && element("p", { class: "reason" }, driver.problem)),
    element("td", { class: "middle" }, driver.name),
    element("td", {}, badge(kind, text)),
    element("td", { class: "middle whole", title: about }, `${driver.distribution} ${driver.version}`),
    element("td", { class: "wide path" }, classname, element("div", { class: "quiet small" }, module)));
}
