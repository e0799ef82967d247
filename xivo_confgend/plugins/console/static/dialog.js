// One dialog for everything that needs a word of the operator: it resolves to what was given, or to null.

import { element } from "./dom.js";

const dialog = document.getElementById("dialog");

// `trouble`: what was wrong with what was given before.
export function ask({ title, text, field = "", secret = false, button = "OK", danger = false, longest = 500, trouble = "" }) {
  return new Promise((resolve) => {
    const input = field && element("input", { type: secret ? "password" : "text", autocomplete: "off", maxlength: longest });
    const form = element("form", { method: "dialog" },
      element("h2", { id: "dialog-title" }, title),
      element("p", {}, text),
      trouble && element("p", { class: "reason", role: "alert" }, trouble),
      field && element("label", {}, field, input),
      element("div", { class: "buttons" },
        element("button", { type: "button", onclick: () => dialog.close("no") }, "Cancel"),
        element("button", { type: "submit", value: "yes", class: danger ? "danger" : "primary" }, button)));
    dialog.replaceChildren(form);
    dialog.returnValue = "no";
    dialog.addEventListener("close", () => {
      const given = dialog.returnValue === "yes" ? (input ? input.value : "yes") : null;
      dialog.replaceChildren();
      resolve(given);
    }, { once: true });
    dialog.showModal();
  });
}
