// The gate's page: takes in views, draws them in both languages, sends what readers type and hands press.

import { watchCamera } from "./camera.js";
import { h, morph } from "./dom.js";
import { icon } from "./parts.js";
import { listen } from "./reader.js";
import { play } from "./sounds.js";
import { follow, press } from "./stream.js";

const SOUNDS = { ok: "paid", warn: "warn", stop: "stop", calm: "confirm" };
const PIN_LENGTH = 6;
let view = null;
let lost = false;
let pin = "";

const both = (tag, classes, [zh, en]) => h(tag, { class: classes },
  h("span", { lang: "zh-CN" }, zh), h("span", { class: "en", lang: "en" }, en));

const waves = (x, side) => [0, 1, 2].map((n) =>
  h("path", { class: "wave", d: `M${x + side * n * 9} ${58 - n * 10}a${26 + n * 10} ${26 + n * 10} 0 0 ${side > 0 ? 1 : 0} 0 ${34 + n * 20}` }));

const tray = () => h("svg", { viewBox: "0 0 260 150", class: "drawing", "aria-hidden": "true" },
  h("rect", { x: 46, y: 30, width: 168, height: 90, rx: 18 }),
  h("circle", { cx: 106, cy: 75, r: 30 }), h("circle", { cx: 106, cy: 75, r: 19 }),
  h("circle", { cx: 170, cy: 60, r: 17 }), h("path", { d: "M152 97h42M152 106h42" }), ...waves(224, 1), ...waves(36, -1));

function camera() {
  return h("div", { class: "lens" }, h("canvas", { "data-live": "camera", hidden: true }),
    h("progress", { max: 1000, value: view.progress, "aria-hidden": "true" }));
}

function pad() {
  const keys = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "erase", "0"];
  const dots = Array.from({ length: PIN_LENGTH }, (_, i) => h("i", { class: i < pin.length ? "full" : null }));
  return h("div", { class: "pad" }, h("div", { class: "dots", role: "img", "aria-label": `${pin.length}/${PIN_LENGTH}` }, dots),
    h("div", { class: "keys" }, keys.map((key) =>
      h("button", { type: "button", "data-key": key, "aria-label": key === "erase" ? "退格 Backspace" : key },
        key === "erase" ? icon("erase") : key))));
}

function picture() {
  if (view.screen === "look") return camera();
  if (view.screen === "pin") return pad();
  if (view.screen !== "told") return tray();
  if (!view.figure) return h("div", { class: "sign" }, icon(view.tone === "calm" ? "ok" : view.tone, "huge"));
  return h("div", { class: "figure" }, h("div", { class: "small-sign" }, icon(view.tone, "huge")),
    h("b", { class: view.figure.length > 4 ? "long" : null }, h("small", {}, "¥"), view.figure));
}

function notice() {
  const line = lost ? ["正在恢复", "Reconnecting"] : view.notice ?? null;
  return line ? both("p", "notice", line) : null;
}

function draw() {
  return h("div", { id: "plate", class: `plate gate ${view.tone}`, "data-screen": view.screen },
    h("header", {}, h("span", { class: "place" }, view.place), h("span", { class: "clock" }, view.clock)),
    h("main", {}, notice(), h("div", { class: "picture" }, picture()),
      h("p", { class: "name" }, view.name), both("h1", "title", view.title),
      view.hint ? both("p", "advice hint", view.hint) : both("p", "advice", view.advice)),
    h("footer", {}, h("div", { class: "buttons" }, view.buttons.map(([action, text]) =>
      h("button", { type: "button", "data-press": action }, both("span", "two", text)))),
      view.line ? both("span", "line", view.line) : h("span", {})));
}

function show() {
  if (view) morph(document.querySelector("#plate"), draw());
}

function take(next) {
  const before = view;
  view = next;
  if (view.screen !== "pin" || before?.screen !== "pin" || view.notice?.[0] !== before?.notice?.[0]) pin = "";
  show();
  if (before?.screen === view.screen && before?.title[0] === view.title[0] && before?.figure === view.figure) return;
  document.querySelector("#announce").textContent =
    [view.name, view.figure && `¥${view.figure}`, view.title[0], view.advice[0]].filter(Boolean).join(" ");
  if (before && view.screen === "told") play(SOUNDS[view.tone]);
  else if (before && view.screen !== "ready") play("touch");
}

function type(key) {
  if (view?.screen !== "pin") return;
  if (key === "erase" || key === "Backspace") pin = pin.slice(0, -1);
  else if (/^[0-9]$/.test(key) && pin.length < PIN_LENGTH) pin += key;
  else return;
  show();
  if (pin.length === PIN_LENGTH) {
    press("pin", { digits: pin });
    setTimeout(() => { pin = ""; show(); }, 250);
  }
}

document.addEventListener("contextmenu", (event) => event.preventDefault());
document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.dataset.press) press(button.dataset.press);
  else if (button?.dataset.key) type(button.dataset.key);
});
listen((number) => { press("card", { number }); }, type);
watchCamera();
follow(take, (gone) => {
  if (lost === gone) return;
  lost = gone;
  show();
});
