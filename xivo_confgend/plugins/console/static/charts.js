// Charts of the last hour, minute by minute, drawn as SVG in the width they get. A table says the same.

import { drawing, element } from "./dom.js";

const MINUTE = 60_000;
const MINUTES = 60;
const HEIGHT = 220;
const BOX = { left: 58, right: 10, top: 12, bottom: 26 };

export const clock = (time) => new Date(time).toLocaleTimeString("en", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

// `marks(scale)` draws what belongs to the points; `describe(point)` says what one shows; `write` the numbers of the axis.
export function chart({ label, points, highest, write, marks, describe }) {
  const box = element("div", { class: "chart" });
  const top = niceAbove(highest);
  let drawn = 0;
  new ResizeObserver(() => {
    const width = Math.max(280, Math.floor(box.clientWidth));
    if (width !== drawn) {
      drawn = width;
      box.replaceChildren(draw(width));
    }
  }).observe(box);

  function draw(width) {
    const scale = scaled(width, points, top);
    const svg = drawing("svg", { width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": label });
    for (const share of [0, 0.5, 1]) {
      const y = scale.up(top * share);
      svg.append(drawing("line", { class: "axis", x1: BOX.left, x2: width - BOX.right, y1: y, y2: y }),
        drawing("text", { x: BOX.left - 8, y: y + 4, "text-anchor": "end" }, share ? write(top * share) : "0"));
    }
    for (let back = 0; back < MINUTES; back += width < 560 ? 20 : 10) {
      svg.append(drawing("text", { x: scale.across(scale.end - back * MINUTE), y: HEIGHT - 7, "text-anchor": back ? "middle" : "end" },
        back ? clock(scale.end - back * MINUTE) : "now"));
    }
    svg.append(...points.flatMap((point) => marks(point, scale)), ...points.map((point) => over(point, scale)));
    return svg;
  }

  // What lies under the pointer is said by the browser.
  function over(point, scale) {
    return drawing("rect", { class: "over", x: scale.across(point.at) - scale.step / 2, y: BOX.top, width: scale.step, height: HEIGHT - BOX.top - BOX.bottom },
      drawing("title", {}, `${clock(point.at)}  ${describe(point)}`));
  }

  return box;
}

function scaled(width, points, top) {
  const end = Date.parse(points.at(-1).at);
  const step = (width - BOX.left - BOX.right) / MINUTES;
  return {
    end,
    step,
    bar: Math.max(2, step * 0.66),
    across: (time) => width - BOX.right - step * ((end - new Date(time)) / MINUTE + 0.5),
    up: (value) => HEIGHT - BOX.bottom - (value / top) * (HEIGHT - BOX.top - BOX.bottom),
  };
}

// The next number above that is easy to read, also when it is halved.
function niceAbove(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 6, 8, 10].map((digit) => digit * power).find((nice) => nice >= value * 0.999);
}

// One bar a minute, its parts on top of each other; `parts` are [class, value].
export function stack(point, scale, parts) {
  let below = 0;
  return parts.filter(([, value]) => value).map(([kind, value]) => {
    const [y, foot] = [scale.up(below + value), scale.up(below)];
    below += value;
    return drawing("rect", { class: `part ${kind}`, x: scale.across(point.at) - scale.bar / 2, width: scale.bar, y, height: Math.max(1, foot - y) });
  });
}

// A stem up to the longest, with a tick at the mean.
export function stem(point, scale, { mean, maximum }, failed) {
  const x = scale.across(point.at);
  const kind = failed ? "stem trouble" : "stem";
  const tick = scale.bar / 2;
  return [
    drawing("line", { class: kind, x1: x, x2: x, y1: scale.up(0), y2: scale.up(maximum) }),
    drawing("line", { class: kind, x1: x - tick, x2: x + tick, y1: scale.up(mean), y2: scale.up(mean) }),
    drawing("circle", { class: kind, cx: x, cy: scale.up(maximum), r: 3.5 }),
  ];
}
