// A scrolling box for any number of lines of one height; only those in sight are in the page. Browsers draw elements
// up to some 17 million pixels high, so more lines than fit into that scroll in steps of more than one line a pixel.

import { element } from "./dom.js";

export const LINE = 20;
const HIGHEST = 16_000_000;
const BEYOND = 6;

export class Lines {
  // `draw(number)` makes the element of a line; `moved()` is called after other lines came into sight.
  constructor(attributes, draw, moved = () => {}) {
    this.draw = draw;
    this.moved = moved;
    this.count = 0;
    this.rows = element("div", { class: "rows", role: "presentation" });
    this.sizer = element("div", { class: "sizer", role: "presentation" }, this.rows);
    this.view = element("div", { tabindex: "0", ...attributes }, this.sizer);
    let asked = 0;
    const soon = () => { asked ||= requestAnimationFrame(() => { asked = 0; this.redraw(); }); };
    this.view.addEventListener("scroll", soon, { passive: true });
    new ResizeObserver(soon).observe(this.view);
  }

  // How many lines there are, and how many characters the longest has.
  resize(count, width = 0) {
    this.count = count;
    this.height = Math.min(count * LINE, HIGHEST);
    this.exact = count * LINE <= HIGHEST;
    this.sizer.style.height = `${this.height}px`;
    this.sizer.style.width = width ? `${width}ch` : "";
    this.redraw();
  }

  // Whole lines that are in sight.
  get page() { return Math.max(1, Math.floor(this.view.clientHeight / LINE)); }
  get first() {
    if (this.exact) return Math.floor(this.view.scrollTop / LINE);
    return Math.round((this.view.scrollTop / this.#reach) * this.#lastFirst);
  }
  get #reach() { return Math.max(1, this.height - this.view.clientHeight); }
  get #lastFirst() { return Math.max(0, this.count - this.page); }

  redraw() {
    const { first, exact } = this;
    const from = exact ? Math.max(0, first - BEYOND) : first;
    const until = Math.min(this.count, first + this.page + 2 + BEYOND);
    this.rows.style.transform = `translateY(${exact ? from * LINE : this.view.scrollTop}px)`;
    this.rows.replaceChildren(...Array.from({ length: Math.max(0, until - from) }, (_, index) => this.draw(from + index)));
    this.moved();
  }

  // Bring a line into sight, with some of those before it.
  goTo(number, before = 3) {
    const top = Math.max(0, Math.min(number - before, this.#lastFirst));
    this.view.scrollTop = this.exact ? top * LINE : (top / Math.max(1, this.#lastFirst)) * this.#reach;
    this.redraw();
  }

  // The same, but without moving what is in sight already.
  reveal(number) {
    if (number < this.first || number >= this.first + this.page) this.goTo(number, Math.floor(this.page / 2));
    else this.redraw();
  }
}
