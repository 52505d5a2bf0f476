// Questions: PIN, staff number, card, QR code, cash, the same diner again.

import { h } from "./dom.js";
import { amount, band, button, circle, icon, tools } from "./parts.js";
import { label, money as inYuan } from "./words.js";

const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "erase", "0", "ok"];
const MOST_DIGITS = 9;
/** Questions that are answered on the number pad. */
export const TYPED = ["pin", "staff_no", "desk_no", "desk_pin", "counted"];
const SECRET = ["pin", "desk_pin"];

/** The question that fills the screen. */
export function ask(view, ui) {
  const { what } = view.ask;
  const who = [view.who?.name, view.who?.department].filter(Boolean).join(" · ");
  const words = [h("h1", {}, label(TITLES[what])),
    who ? h("p", { class: "quiet" }, who) : null, view.notice ? band(view.notice) : null];
  const money = view.total === null ? null : amount(view.total, "quieter");
  const back = button("wide", { "data-press": "cancel" }, label("cancel"));
  if (TYPED.includes(what)) {
    return [h("main", { class: "ask keys", "data-key": `ask-${what}` },
      money, h("div", { class: "words" }, words), display(view.ask, ui), pad(view.ask, ui)),
    h("footer", {}, back, tools(ui))];
  }
  const yes = what === "cash" ? "cash_received" : what === "again" ? "yes" : null;
  return [h("main", { class: "ask show", "data-key": `ask-${what}` },
    what === "qr" && view.devices.camera === "ok" ? circle(0, false)
      : h("div", { class: `circle plain ${what}` }, icon(SIGNS[what], "huge")),
    h("div", { class: "words" }, words), money),
  h("footer", {}, h("div", { class: "pair" }, back,
    yes ? button("wide primary", { "data-press": "yes" }, label(yes)) : null), tools(ui))];
}

const TITLES = { pin: "enter_pin", staff_no: "enter_staff_no", card: "show_card", qr: "show_qr",
  cash: "pay_cash", again: "again", desk_no: "enter_desk_no", desk_pin: "enter_desk_pin",
  counted: "enter_counted" };
const SIGNS = { card: "card", qr: "qr", cash: "cash", again: "help" };

function display(question, ui) {
  const count = ui.digits.length;
  const secret = SECRET.includes(question.what);
  const plain = question.what === "counted" ? inYuan(Number(ui.digits)) : ui.digits || "\u00a0";
  const places = Math.max(secret ? question.length || 6 : 0, count);
  return h("div", { class: `display ${secret ? "dots" : "digits"}`, role: "img",
    "aria-label": label("digit", { count }) },
  secret ? Array.from({ length: places }, (_, i) => h("i", { class: i < count ? "full" : "" })) : plain);
}

function pad(question, ui) {
  return h("div", { class: "pad" }, KEYS.map((key) => {
    if (key === "erase") {
      return button("key", { "data-page": "key", "data-digit": key, "aria-label": label("erase"),
        disabled: ui.digits === "" }, icon("erase"));
    }
    if (key === "ok") {
      return button("key primary", { "data-page": "key", "data-digit": key,
        disabled: ui.digits.length < (question.length || 1) }, label("ok"));
    }
    return button("key", { "data-page": "key", "data-digit": key }, key);
  }));
}

/** The digits after one more key. */
export function typed(digits, key) {
  if (key === "erase" || key === "Backspace") return digits.slice(0, -1);
  return /^[0-9]$/.test(key) && digits.length < MOST_DIGITS ? digits + key : digits;
}
