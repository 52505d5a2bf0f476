// The pieces that screens are put together from.

import { h } from "./dom.js";
import { label, money, sentences, yuan } from "./words.js";

const stroke = { fill: "none", stroke: "currentColor", "stroke-width": 2,
  "stroke-linecap": "round", "stroke-linejoin": "round" };

const SHAPES = {
  ok: [h("circle", { cx: 12, cy: 12, r: 9.5 }), h("path", { d: "M7.8 12.3l3 3 5.4-6" })],
  warn: [h("path", { d: "M12 3L22 20.5H2z" }), h("path", { d: "M12 9.6v5M12 17.6v.1" })],
  stop: [
    h("path", { d: "M8 2.5h8L21.5 8v8L16 21.5H8L2.5 16V8z" }),
    h("path", { d: "M12 7v6M12 16.6v.1" }),
  ],
  cloud: [
    h("path", { d: "M7 18h10a4 4 0 0 0 .6-7.95A5.6 5.6 0 0 0 6.8 9.2 4.5 4.5 0 0 0 7 18z" }),
    h("path", { d: "M4 21L20 4" }),
  ],
  printer: [h("path", { d: "M7 9V3h10v6M7 17H4V9h16v8h-3M7 14h10v7H7z" })],
  card: [h("rect", { x: 2.5, y: 5, width: 19, height: 14, rx: 2.5 }), h("path", { d: "M2.5 10h19M6 15h4" })],
  qr: [
    h("path", { d: "M3.5 3.5h6v6h-6zM14.5 3.5h6v6h-6zM3.5 14.5h6v6h-6z" }),
    h("path", { d: "M14.5 14.5h2.5v2.5M20.5 14.5v.1M14.5 20.5h.1M18 20.5h2.5V18" }),
  ],
  staff_no: [h("rect", { x: 4, y: 2.5, width: 16, height: 19, rx: 2.5 }),
    h("path", { d: "M8.5 7.5h.1M12 7.5h.1M15.5 7.5h.1M8.5 12h.1M12 12h.1M15.5 12h.1M12 16.5h.1" })],
  cash: [h("rect", { x: 2.5, y: 6, width: 19, height: 12, rx: 2 }), h("circle", { cx: 12, cy: 12, r: 2.8 })],
  help: [h("circle", { cx: 12, cy: 7.5, r: 4 }), h("path", { d: "M4 21c.6-4.6 3.8-7 8-7s7.4 2.4 8 7" })],
  face: [h("path", { d: "M3 8V5a2 2 0 0 1 2-2h3M16 3h3a2 2 0 0 1 2 2v3M21 16v3a2 2 0 0 1-2 2h-3M8 21H5a2 2 0 0 1-2-2v-3" }),
    h("path", { d: "M9 9.5v.6M15 9.5v.6M8.8 14.8c1.8 1.7 4.6 1.7 6.4 0" })],
  pick: [h("path", { d: "M3.5 12h17a8.5 8.5 0 0 1-5.5 7.9H9A8.5 8.5 0 0 1 3.5 12z" }),
    h("path", { d: "M9 8.5c-1-1.5 1-2.5 0-4.5M14 8.5c-1-1.5 1-2.5 0-4.5" })],
  erase: [h("path", { d: "M9 5h12v14H9l-6-7zM12.5 9.5l5 5M17.5 9.5l-5 5" })],
  remove: [h("path", { d: "M6 6l12 12M18 6L6 18" })],
  plus: [h("path", { d: "M12 5v14M5 12h14" })],
  sound: [h("path", { d: "M4 9.5v5h3.5L13 19V5L7.5 9.5zM16.5 9a4.2 4.2 0 0 1 0 6M19 6.5a8 8 0 0 1 0 11" })],
  mute: [h("path", { d: "M4 9.5v5h3.5L13 19V5L7.5 9.5zM16.5 9.5l5 5M21.5 9.5l-5 5" })],
  contrast: [h("circle", { cx: 12, cy: 12, r: 9 }), h("path", { d: "M12 3a9 9 0 0 1 0 18z", fill: "currentColor" })],
  low: [h("circle", { cx: 10, cy: 4, r: 1.8 }),
    h("path", { d: "M10 8v6.5h6l2.5 5.5M10 10.5h5.5M7.4 11.6a5.2 5.2 0 1 0 7.2 6.6" })],
  large: [h("path", { d: "M2.5 19L8 5l5.5 14M4.5 14.5h7M15 19l3.2-8 3.3 8M16.2 16.5h4" })],
};

/** A drawn sign; decoration for whoever hears the page. */
export const icon = (name, extra = "") => h("svg",
  { viewBox: "0 0 24 24", class: `icon ${extra}`, "aria-hidden": "true", ...stroke },
  SHAPES[name].map((shape) => shape.cloneNode()));

/** A button that tells the till `press`, or the page itself `page`. */
export const button = (classes, attributes, ...content) =>
  h("button", { type: "button", class: classes, ...attributes }, content);

/** The amount, as large as the screen allows. */
export const amount = (fen, classes = "") => h("div", { class: `amount ${classes}` },
  h("small", {}, "¥"), fen === null ? "—" : yuan(fen));

/** The other ways to pay, as one row; `help` where there is no cash desk, or always. */
export function ways(view, always = false) {
  const list = ["card", "qr", "staff_no", view.cash && "cash", (always || !view.cash) && "help"].filter(Boolean);
  return h("div", { class: `ways${list.length > 4 ? " many" : ""}` }, list.map((way) =>
    button("way", { "data-press": "way", "data-way": way }, icon(way), h("span", {}, label(`way_${way}`)))));
}

const tool = (name, text, sign, on = null) => button("tool", { "data-page": name,
  "aria-pressed": on === null ? null : String(on) }, sign ? icon(sign) : null, h("span", {}, text));

/** The other language: also on screens that have no room for the other tools. */
export const languageTool = () => tool("language", label("language"));

/** Language, type size, contrast, height, sound: for whoever stands or sits here. */
export const tools = (ui) => h("div", { class: "tools" }, languageTool(),
  tool("large", label("large"), "large", ui.large),
  tool("contrast", label("contrast"), "contrast", ui.contrast),
  tool("low", label("low"), "low", ui.low),
  tool("mute", label(ui.muted ? "unmute" : "mute"), ui.muted ? "sound" : "mute"));

/** A notice as a band with its shape. */
export function band(notice) {
  if (!notice) return h("div", { class: "band empty" });
  const [what, advice] = sentences(notice);
  return h("div", { class: `band ${notice.level}` }, icon(notice.level),
    h("div", {}, h("b", {}, what), advice ? h("span", {}, advice) : null));
}

function lineText(line) {
  if (line.grams !== null) {
    const rate = line.unit_price === null ? "" : ` × ${money(line.unit_price)}/kg`;
    return [line.name, ` ${line.grams} g${rate}`];
  }
  const portion = line.portion !== "full" ? ` · ${label(line.portion)}` : "";
  return [line.name, `${portion}${line.quantity > 1 ? ` × ${line.quantity}` : ""}`];
}

/** The basket's lines, the first `most` of them; then what is taken off, and the sum. */
export function bill(view, most) {
  if (view.lines.length === 0) return null;
  const shown = view.lines.length > most ? view.lines.slice(0, most - 1) : view.lines;
  const rows = shown.map((line) => {
    const [name, rest] = lineText(line);
    return row([h("span", { class: "name" }, name), h("span", { class: "rest" }, rest)],
      line.amount === null ? label("no_price") : yuan(line.amount));
  });
  const hidden = view.lines.slice(shown.length);
  if (hidden.length > 0) {
    rows.push(row([label("more_lines", { count: hidden.length })],
      yuan(hidden.reduce((sum, line) => sum + (line.amount ?? 0), 0))));
  }
  if (view.discount > 0) rows.push(row([label("discount")], `−${yuan(view.discount)}`, "saving"));
  return h("div", { class: "card bill" }, rows);
}

const row = (left, right, classes = "") =>
  h("div", { class: `row ${classes}` }, h("span", { class: "what" }, left), h("b", {}, right));

/** The round picture in its ring. `permille` of the ring is filled; `payer`: whose face it is pays. */
export function circle(permille, counting, payer = false) {
  return h("div", { class: "circle", "data-payer": payer },
    h("div", { class: "picture" },
      h("svg", { viewBox: "0 0 100 100", class: "silhouette", "aria-hidden": "true" },
        h("circle", { cx: 50, cy: 42, r: 20 }), h("ellipse", { cx: 50, cy: 95, rx: 34, ry: 28 })),
      h("canvas", { "data-live": "camera", hidden: true })),
    h("svg", { viewBox: "0 0 620 620", class: "ring", "aria-hidden": "true" },
      h("circle", { cx: 310, cy: 310, r: 298, class: "ring-back" }),
      h("circle", { cx: 310, cy: 310, r: 298, class: `ring-fill${counting ? " counting" : ""}`, id: "ring-fill",
        pathLength: 1000, "stroke-dasharray": `${permille} 1000`, transform: "rotate(-90 310 310)",
        "data-none": permille === 0 })));
}
