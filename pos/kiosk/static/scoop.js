// The display of one scoop station: takes in views and draws them; nothing here can be charged.

import { h, morph } from "./dom.js";
import { icon } from "./parts.js";
import { play } from "./sounds.js";
import { follow } from "./stream.js";

const number = document.querySelector("#scoop").dataset.number;
const SOUNDS = { told: "paid", alarm: "stop", crowd: "warn", tray: "touch" };
let view = null;
let lost = false;
let english = false;

const t = ([zh, en]) => (english ? en || zh : zh);
const text = (tag, classes, pair) => h(tag, { class: classes }, t(pair));

function header() {
  const allergens = view.allergens.length > 0 && h("span", { class: "allergens" },
    icon("warn"), `${t(view.contains)} ${view.allergens.map(t).join(english ? ", " : "、")}`);
  return h("header", {}, h("h1", {}, view.dish || view.label || "—"),
    view.price ? h("div", { class: "price" }, h("b", {}, h("small", {}, "¥"), view.price), h("span", {}, `/ ${t(view.per)}`)) : h("span", {}),
    h("p", { class: "facts" }, view.energy ? h("span", { class: "energy" }, t(view.energy)) : null, allergens || null));
}

const trayDrawing = () => h("svg", { viewBox: "0 0 200 130", class: "drawing", "aria-hidden": "true" },
  h("rect", { x: 6, y: 16, width: 188, height: 98, rx: 20 }),
  h("circle", { cx: 76, cy: 65, r: 34 }), h("circle", { cx: 76, cy: 65, r: 22 }),
  h("circle", { cx: 147, cy: 48, r: 20 }), h("path", { d: "M128 90h46M128 99h46" }));

const signed = (figure) => String(figure).replace("-", "\u2212");

const figures = () => h("div", { class: `figures${view.moving ? " moving" : ""}` },
  h("div", {}, text("span", "what", view.figure), h("b", {}, signed(view.grams), h("small", {}, english ? "g" : "克"))),
  h("div", {}, h("span", { class: "what" }, view.moving ? t(view.moving) : "\u00a0"), h("b", {}, h("small", {}, "¥"), signed(view.fen))));

function band() {
  if (!view.band) return null;
  return h("div", { class: `band ${view.band.tone}` }, icon(view.band.tone),
    h("b", {}, t(view.band.title)), view.band.advice[0] ? h("span", {}, t(view.band.advice)) : null);
}

const sums = () => h("p", { class: "sums" }, view.sums.map((sum) => text("span", null, sum)));

function body() {
  if (view.screen === "tray") {
    return h("main", {}, band() ?? h("p", { class: "say" }, view.name ? h("b", {}, view.name) : null, `${t(view.title)} · ${t(view.advice)}`), figures(), sums());
  }
  if (view.screen === "told") {
    return h("main", {}, h("p", { class: "done" }, icon("ok"), h("b", {}, t(view.title)), h("span", {}, t(view.advice))), figures(), sums());
  }
  const sign = { stop: "stop", warn: "warn", info: "pick" }[view.tone];
  return h("main", { class: "plain" }, sign ? icon(sign, "huge") : trayDrawing(),
    h("div", {}, text("h2", null, view.title), text("p", "advice", view.advice)));
}

function draw() {
  const edge = lost ? ["正在恢复", "Reconnecting"] : view.line;
  return h("div", { id: "scoop", class: `scoop ${view.tone}`, "data-screen": view.screen, "data-number": number },
    header(), body(),
    h("footer", {}, h("span", {}, english ? `Station ${number}` : `${number} 号窗口`),
      edge ? h("span", { class: "line" }, icon("cloud"), t(edge)) : null,
      h("button", { type: "button", "aria-label": english ? "中文" : "English" }, english ? "中文" : "English")));
}

function show() {
  if (view) morph(document.querySelector("#scoop"), draw());
}

function take(next) {
  const before = view;
  view = next;
  if (view.screen === "ready" && before && before.screen !== "ready") setLanguage(false); // the next diner
  show();
  if (before?.screen === view.screen && before?.title[0] === view.title[0]) return;
  const figure = view.screen === "told" ? `${Math.abs(view.grams)} 克 ¥${view.fen}` : "";
  document.querySelector("#announce").textContent = [t(view.title), figure, t(view.advice)].filter(Boolean).join(" ");
  if (before) play(SOUNDS[view.screen]);
}

function setLanguage(next) {
  english = next;
  document.documentElement.lang = english ? "en" : "zh-CN";
}

document.addEventListener("contextmenu", (event) => event.preventDefault());
document.addEventListener("click", (event) => {
  if (!event.target.closest("button")) return;
  setLanguage(!english);
  show();
});
follow(take, (gone) => {
  if (lost === gone) return;
  lost = gone;
  show();
}, `/s/${number}/events`);
