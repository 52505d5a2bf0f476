// The return station's page: takes in views, draws them in both languages, sends what readers type.

import { h, morph } from "./dom.js";
import { icon } from "./parts.js";
import { listen } from "./reader.js";
import { play } from "./sounds.js";
import { follow, press } from "./stream.js";

const SOUNDS = { ok: "paid", warn: "warn", stop: "stop", calm: "confirm" };
const SIGNS = { ok: "ok", warn: "warn", stop: "stop", calm: "ok" };
let view = null;
let lost = false;

const both = (tag, classes, [zh, en]) => h(tag, { class: classes },
  h("span", { lang: "zh-CN" }, zh), h("span", { class: "en", lang: "en" }, en));

const tray = () => h("svg", { viewBox: "0 0 200 150", class: "drawing", "aria-hidden": "true" },
  h("rect", { x: 6, y: 26, width: 188, height: 98, rx: 20 }),
  h("circle", { cx: 76, cy: 75, r: 34 }), h("circle", { cx: 76, cy: 75, r: 22 }),
  h("circle", { cx: 147, cy: 58, r: 20 }), h("path", { d: "M128 100h46M128 109h46" }));

function picture() {
  if (view.screen !== "told") return tray();
  if (!view.figure) return h("div", { class: "sign" }, icon(SIGNS[view.tone], "huge"));
  return h("div", { class: "figure" },
    h("div", { class: "small-sign" }, icon(SIGNS[view.tone], "huge")),
    h("b", { class: view.figure.length > 3 ? "long" : null }, view.figure), both("span", "unit", view.unit));
}

function grams() {
  if (view.grams === null || !["ready", "tray"].includes(view.screen)) return null;
  return h("span", { class: "grams" }, `${view.grams} g`);
}

function notice() {
  const line = lost ? ["正在恢复", "Reconnecting"] : view.notice ?? null;
  return line ? both("p", "notice", line) : null;
}

function draw() {
  return h("div", { id: "plate", class: `plate ${view.tone}`, "data-screen": view.screen },
    h("header", {}, h("span", { class: "place" }, view.place), h("span", { class: "clock" }, view.clock)),
    h("main", {}, notice(), h("div", { class: "picture" }, picture()),
      h("p", { class: "name" }, view.name), both("h1", "title", view.title),
      both("p", "advice", view.advice)),
    h("footer", {}, grams() ?? h("span", {}), view.line ? both("span", "line", view.line) : h("span", {})));
}

function show() {
  if (view) morph(document.querySelector("#plate"), draw());
}

function take(next) {
  const before = view;
  view = next;
  show();
  const changed = before?.screen !== view.screen || before?.title[0] !== view.title[0] || before?.figure !== view.figure;
  if (!changed) return;
  document.querySelector("#announce").textContent =
    [view.name, view.figure && `${view.figure}${view.unit[0]}`, view.title[0], view.advice[0]].filter(Boolean).join(" ");
  if (before && view.screen === "told") play(SOUNDS[view.tone]);
  else if (before && view.screen === "tray" && before.screen !== "tray") play("touch");
}

document.addEventListener("contextmenu", (event) => event.preventDefault());
listen((number) => { press("card", { number }); }, () => {});
follow(take, (gone) => {
  if (lost === gone) return;
  lost = gone;
  show();
});
