// The page: takes in views, draws them, sends presses.

import { TYPED, typed } from "./ask.js";
import { watchCamera } from "./camera.js";
import { setCountdown } from "./countdown.js";
import { morph } from "./dom.js";
import { watchPlace } from "./place.js";
import { listen } from "./reader.js";
import { draw } from "./screens.js";
import { isMuted, play, setMuted, setVolume } from "./sounds.js";
import { hush, say } from "./speech.js";
import { follow, press } from "./stream.js";
import { currentLanguage, label, loadWords, manner, money, sentences, setLanguage } from "./words.js";

const ui = { digits: "", category: "", large: false, contrast: false, low: false, lost: false, muted: isMuted() };
const ALONE_MS = 30000; // so long nobody has touched an empty till: who chose large type has gone
const PARAMS = ["way", "dish", "portion", "line", "sale", "reason"];
const LEFT = ["paid", "desk"];
let view = null;
let said = null;
let alone = 0;

function show() {
  if (view) morph(document.querySelector("#kiosk"), draw(view, ui));
}

function take(next) {
  const before = view;
  view = { menu: before?.menu, ...next };
  const question = view.ask ? `${view.ask.what} ${view.ask.typed}` : "";
  const asked = before?.ask ? `${before.ask.what} ${before.ask.typed}` : "";
  if (question !== asked || (view.notice && before?.notice?.code !== view.notice.code)) ui.digits = "";
  if (before && LEFT.includes(before.screen) && before.screen !== view.screen) welcomeNext();
  setVolume(view.volume ?? 80);
  setCountdown(view.countdown_ms, view.countdown_of_ms);
  show();
  if (!before || before.screen !== view.screen || before.notice?.code !== view.notice?.code) {
    announce();
    speak(sound(before));
  } else {
    speak(0);
  }
}

function speak(after) {
  if (view.say) say(view.say, after);
  if (view.say || view.screen !== said?.screen) said = { screen: view.screen, told: view.say };
}

/** The next diner finds the till as it was made, not as the last one left it. */
function welcomeNext() {
  setLanguage("zh");
  const { large, contrast, low } = manner();
  Object.assign(ui, { large, contrast, low, category: "", digits: "" });
}

function watchWhoLeft() {
  clearTimeout(alone);
  alone = setTimeout(() => {
    if (view?.screen === "place") welcomeNext();
    show();
    watchWhoLeft();
  }, ALONE_MS);
}

function announce() {
  const parts = view.notice ? sentences(view.notice) : [];
  if (view.screen === "place" && !view.notice) parts.push(label("place"));
  if (view.screen === "look" && !view.notice) parts.push(label("look"));
  if (view.screen === "confirm") parts.unshift(view.who?.name ?? "", money(view.total ?? 0));
  if (view.screen === "paid") parts.unshift(label("paid"), money(view.total ?? 0));
  if (view.desk?.done) parts.unshift(label(view.desk.shift ? "shift_done" : "void_done"));
  document.querySelector("#announce").textContent = parts.filter(Boolean).join(" ");
}

function sound(before) {
  if (!before) return 0;
  if (view.screen === "paid" && before.screen !== "paid") return play("paid");
  if (view.screen === "problem") return play(view.notice?.level === "stop" ? "stop" : "warn");
  if (view.screen === "confirm" && before.screen !== "confirm") return play("confirm");
  const warned = view.notice && view.notice.level !== "ok" && view.notice.code !== "unstable";
  return warned ? play("warn") : 0;
}

const PAGE = {
  language: () => {
    setLanguage(currentLanguage() === "zh" ? "en" : "zh");
    repeat();
  },
  large: () => { ui.large = !ui.large; },
  contrast: () => { ui.contrast = !ui.contrast; },
  low: () => { ui.low = !ui.low; },
  mute: () => {
    setMuted(!ui.muted);
    ui.muted = isMuted();
    repeat();
  },
  category: (button) => { ui.category = button.dataset.category; },
  key: (button) => key(button.dataset.digit),
};

/** Whoever has just chosen language or sound hears the last sentence again. */
function repeat() {
  hush();
  if (said?.told) say({ ...said.told, urgent: true });
}

function key(name) {
  if (view?.screen !== "ask" || !TYPED.includes(view.ask.what)) return;
  if (name !== "ok") ui.digits = typed(ui.digits, name);
  const complete = view.ask.length > 0 && ui.digits.length === view.ask.length;
  if (ui.digits && (name === "ok" || complete)) {
    press("digits", { digits: ui.digits });
    ui.digits = "";
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button || ui.lost) return;
  watchWhoLeft();
  play("touch");
  if (button.dataset.page) {
    PAGE[button.dataset.page](button);
    show();
  } else if (button.dataset.press) {
    const chosen = PARAMS.filter((name) => button.dataset[name] !== undefined);
    press(button.dataset.press, Object.fromEntries(chosen.map((name) => [name, button.dataset[name]])));
  }
});
document.addEventListener("contextmenu", (event) => event.preventDefault());

await loadWords();
welcomeNext();
watchWhoLeft();
listen(
  (number) => { if (!ui.lost) press("card", { number }); },
  (name) => {
    key(name);
    show();
  },
);
watchCamera();
watchPlace();
follow(take, (lost) => {
  if (ui.lost === lost) return;
  ui.lost = lost;
  show();
});
