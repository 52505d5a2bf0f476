// One function a screen: from the till's view to a picture of elements.

import { ask } from "./ask.js";
import { countdownNow } from "./countdown.js";
import { desk } from "./desk.js";
import { h } from "./dom.js";
import { amount, band, bill, button, circle, icon, tools, ways } from "./parts.js";
import { pick } from "./pick.js";
import { label, money, sentences } from "./words.js";

const MENU_SHOWN = 8;
const LINES_SHOWN = 4;
const BAR = 300;
const BAR_PERMILLE = 1500; // the mark at 1000 stands for a meal's share of the day

/** The inside of the page for this view; `ui` is what the page itself remembers. */
export function draw(view, ui) {
  const screen = SCREENS[view.screen] ?? setup;
  return h("div", { id: "kiosk", class: "kiosk", "data-screen": view.screen,
    "data-level": view.notice?.level ?? "ok", "data-large": ui.large,
    "data-contrast": ui.contrast, "data-low": ui.low },
  header(view, ui), screen(view, ui), ui.lost ? recovering() : null);
}

function header(view, ui) {
  const { venue, name } = view.place;
  const cloud = view.waiting_entries > 0
    ? label("offline_waiting", { count: view.waiting_entries }) : label("offline");
  return h("header", {},
    h("span", { class: "where" }, view.staffed && !ui.low ? staffKey("staff") : null,
    h("span", { class: "name" }, [venue, name].filter(Boolean).join(" · "))),
    h("span", { class: "when" },
      view.offline ? h("span", { class: "sign", role: "img", "aria-label": cloud, title: cloud }, icon("cloud")) : null,
      view.devices.printer === "warn"
        ? h("span", { class: "sign", role: "img", "aria-label": label("printer"), title: label("printer") }, icon("printer"))
        : null,
      h("span", {}, [view.period, view.clock].filter(Boolean).join(" "))));
}

const staffKey = (classes, ...words) =>
  button(classes, { "data-press": "staff", "aria-label": label("staff") }, icon("help"), words);
const main = (name, ...content) => h("main", { class: name, "data-key": name }, content);
const footer = (...content) => h("footer", {}, content);
const canPick = (view) => view.menu.some((dish) => dish.unit === "piece" && dish.price !== null);
const picker = (view) => (canPick(view)
  ? button("wide", { "data-press": "pick" }, icon("pick"), h("span", {}, label(view.orders ? "pick_or_order" : "pick"))) : null);

function setup(view, ui) {
  const [what, advice] = view.notice ? sentences(view.notice) : [label("setup"), ""];
  const waiting = !view.notice || view.notice.code === "not_ready";
  return [main("setup",
    waiting ? h("div", { class: "loader", "aria-hidden": "true" }) : icon(view.notice.level, "huge"),
    h("h1", {}, what), h("p", {}, advice)),
    footer(tools(ui))];
}

function place(view, ui) {
  const title = view.devices.scale !== "off" ? "place" : canPick(view) ? "place_picks" : "way_help";
  const hint = view.face ? label("place_hint") : label("place_hint_no_face");
  return [main("place",
    h("div", { class: "tray-box" }, tray()),
    h("div", { class: "words" },
      h("h1", {}, label(title)), view.notice ? band(view.notice) : h("p", {}, hint)),
    prices(view)),
  footer(view.staffed && ui.low ? h("div", { class: "pair" }, picker(view), staffKey("wide", h("span", {}, label("staff")))) : picker(view),
    ways(view), tools(ui))];
}

function tray() {
  return h("svg", { viewBox: "0 0 320 220", class: "tray", "aria-hidden": "true" },
    h("rect", { x: 6, y: 6, width: 308, height: 208, rx: 26 }),
    h("rect", { x: 26, y: 26, width: 116, height: 78, rx: 14 }),
    h("rect", { x: 156, y: 26, width: 138, height: 78, rx: 14 }),
    h("rect", { x: 26, y: 118, width: 172, height: 76, rx: 14 }),
    h("circle", { cx: 252, cy: 156, r: 38 }));
}

function prices(view) {
  const shown = view.menu.slice(0, MENU_SHOWN);
  const hidden = view.menu.length - shown.length;
  return h("section", { class: "card prices", "aria-label": label("prices") },
    h("h2", {}, label(shown.length ? "prices" : "no_prices")),
    h("ul", {}, shown.map((dish) => h("li", {}, h("span", {}, dish.name),
      h("b", {}, dish.price === null ? label("no_price") : money(dish.price),
        dish.unit === "kg" && dish.price !== null ? h("small", {}, "/kg") : null)))),
    hidden > 0 ? h("p", {}, label("more_dishes", { count: hidden })) : null);
}

/** Looking and confirming are one picture, so that the circle stays where it is. */
function pay(view, ui) {
  const confirming = view.screen === "confirm";
  const counting = view.countdown_ms > 0; // else the sale is being written
  const left = countdownNow();
  const filled = confirming ? (counting ? left.permille : 1000) : view.progress;
  return [main("pay",
    view.face || confirming ? circle(filled, counting, confirming) : h("div", { class: "circle plain" }, icon("card", "huge")),
    h("div", { class: "words" }, confirming ? confirmWords(view, counting, left.seconds) : lookWords(view)),
    amount(view.total),
    bill(view, LINES_SHOWN - (ui.large ? 1 : 0) - (view.notice ? 1 + (view.discount > 0) : 0))),
  footer(
    confirming
      ? button("cancel", { "data-press": "cancel", disabled: !counting }, label("cancel"))
      : h("div", { class: "pair" }, picker(view), button("wide", { "data-press": "cancel" }, label("cancel"))),
    ways(view), tools(ui))];
}

function confirmWords(view, counting, seconds) {
  const [before, after] = label("countdown", { seconds: "\u0000" }).split("\u0000");
  return [view.who ? payer(view.who, counting ? String(seconds) : null) : null,
    view.notice ? band(view.notice) : null,
    h("p", { class: "quiet" }, counting
      ? [before, h("span", { id: "seconds", "data-seconds": true }, String(seconds)), after] : label("committing"))];
}

/** Who pays, so that nobody takes it for himself: a plate that points at the face. */
function payer(who, seconds) {
  return h("div", { class: "payer" },
    h("div", {}, h("h1", { class: "who" }, who.name), who.department ? h("span", {}, who.department) : null),
    seconds ? h("b", { class: "left", "data-seconds": true, "aria-hidden": "true" }, seconds) : icon("ok", "left"));
}

function lookWords(view) {
  const title = !view.face ? label("other_ways") : label(view.progress > 0 ? "seen" : "look");
  return [h("h1", {}, title), view.notice ? band(view.notice) : null];
}

function paid(view, ui) {
  const name = view.who ? label("enjoy", { name: view.who.name }) : label("enjoy_all");
  return [main("paid",
    h("svg", { viewBox: "0 0 100 100", class: "tick", "aria-hidden": "true" },
      h("circle", { cx: 50, cy: 50, r: 45 }), h("path", { d: "M30 51l14 14 27-29" })),
    h("h1", {}, label("paid")), amount(view.total),
    h("p", { class: "enjoy" }, name),
    view.subsidy_paid ? h("p", { class: "split" }, label("paid_split",
      { subsidy_fen: view.subsidy_paid, rest_fen: view.total - view.subsidy_paid })) : null,
    view.notice ? band(view.notice) : null,
    facts(view)),
  footer(view.reprint ? button("wide", { "data-press": "reprint" }, icon("printer"), h("span", {}, label("reprint"))) : null,
    tools(ui))];
}

function facts(view) {
  const fact = (title, value, more) => h("div", {}, h("span", {}, title), h("b", {}, value), h("span", {}, more));
  const { balance, today } = view;
  return h("div", { class: "facts" },
    balance ? fact(label("balance"), money(balance.subsidy + balance.cash),
      label("split", { subsidy_fen: balance.subsidy, cash_fen: balance.cash }))
      : fact(label("cash_paid"), money(view.total ?? 0), label("cash_paid_hint")),
    today ? fact(label("today", { count: today.meal_number }), money(today.spent), label("today_spent")) : null,
    view.points !== null && today ? fact(label("points"), String(view.points), label("points_hint")) : null,
    today ? fact(label("month"), label("month_meals", { count: today.month_meals }),
      label("month_spent", { spent_fen: today.month_spent })) : null,
    energy(view.energy));
}

/** An estimate beside what was paid: small, and absent where nothing is known. */
function energy(told) {
  if (!told) return null;
  const { kcal, permille, at_least: partly, goal_kcal: goal } = told;
  const over = goal !== null && permille > 1000;
  const width = Math.min(permille, BAR_PERMILLE) * (BAR / BAR_PERMILLE);
  const full = 1000 * (BAR / BAR_PERMILLE);
  return h("div", { class: over ? "energy over" : "energy" },
    h("b", {}, label(partly ? "energy_at_least" : "energy", { kcal })),
    h("svg", { viewBox: `0 0 ${BAR} 10`, class: "gauge", preserveAspectRatio: "none", "aria-hidden": "true" },
      h("rect", { x: 0, y: 2, width: BAR, height: 6, class: "gauge-back" }),
      h("rect", { x: 0, y: 2, width, height: 6, class: "gauge-fill" }),
      h("rect", { x: full - 1.5, y: 0, width: 3, height: 10, class: "gauge-mark" })),
    h("span", {}, over ? label("energy_over", { goal }) : partly ? label("energy_partly")
      : goal !== null ? label("energy_goal", { goal })
      : label("energy_share", { percent: Math.round(permille / 10) })));
}

function problem(view, ui) {
  const notice = view.notice ?? { code: "help", level: "warn", params: {} };
  const [what, advice] = sentences(notice);
  return [main("problem",
    icon(notice.level, "huge"),
    h("h1", {}, what), h("p", { class: "advice" }, advice),
    view.total === null ? null : amount(view.total)),
  footer(
    h("div", { class: "pair" },
      notice.code === "write_failed"
        ? button("wide primary", { "data-press": "retry" }, label("retry"))
        : view.face && view.total !== null
          ? button("wide", { "data-press": "way", "data-way": "face" }, icon("face"), h("span", {}, label("retry"))) : null,
      button("wide", { "data-press": "cancel" }, label(view.total === null ? "back" : "cancel"))),
    ways(view, true), tools(ui))];
}

const recovering = () => h("div", { class: "recovering", role: "alertdialog", "data-key": "recovering" },
  h("div", { class: "loader", "aria-hidden": "true" }),
  h("h1", {}, label("recovering")), h("p", {}, label("recovering_hint")));

const SCREENS = {
  setup, place, pick: (view, ui) => [pick(view, ui)], look: pay, confirm: pay, paid, problem,
  ask: (view, ui) => ask(view, ui), desk,
};
