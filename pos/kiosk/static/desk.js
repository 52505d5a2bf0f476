// The staff's desk: the till's last sales, one to take back, the figures of a shift, the camera.

import { h } from "./dom.js";
import { amount, band, button, icon, languageTool } from "./parts.js";
import { stage } from "./place.js";
import { label, money } from "./words.js";

const REASONS = { amount: "reason_amount", person: "reason_person", twice: "reason_twice",
  dish: "reason_dish", returned: "reason_returned", other: "reason_other" };
const WAYS = { face: "way_face", card: "way_card", qr: "way_qr", pin: "way_staff_no", cash: "way_cash" };

/** The desk as it is now. */
export function desk(view) {
  const { done, row, shift, aim_s: left } = view.desk;
  if (done) return written(view.desk);
  if (row) return taking(view);
  if (left !== null) return aiming(view, left);
  return shift ? closing(view) : list(view);
}

const main = (name, ...content) => h("main", { class: `desk ${name}`, "data-key": `desk-${name}` }, content);
const title = (text, view, more = "") => h("div", { class: "title" },
  h("div", {}, h("h1", {}, text), h("p", { class: "quiet" }, view.desk.name, more)), languageTool());
const footer = (...buttons) => h("footer", {}, h("div", { class: "pair" }, buttons));
const back = (text) => button("wide", { "data-press": "cancel" }, label(text));

function list(view) {
  const { rows } = view.desk;
  return [main("list",
    title(label("desk_title"), view), view.notice ? band(view.notice) : null,
    rows.length === 0 ? h("div", { class: "card chosen empty" }, label("desk_empty"))
      : h("p", { class: "quiet" }, label("desk_hint")),
    h("div", { class: "tiles sold" }, rows.map(sale))),
  footer(back("leave"),
    view.desk.camera ? button("wide", { "data-press": "camera" }, label("aim_title")) : null,
    button("wide", { "data-press": "shift" }, label("shift")))];
}

function aiming(view, left) {
  const closes = label("aim_soon", { seconds: left });
  return [main("aiming", title(label("aim_title"), view, ` · ${closes}`), stage()), footer(back("back"))];
}

const cash = (row) => row.tender === "cash";
const who = (row) => (cash(row) ? label("way_cash") : row.who || "—");
const paid = (row) => (cash(row) ? "" : label(WAYS[row.tender]));

function sale(row) {
  return button(`card sale${row.voided ? " voided" : ""}`, { "data-key": row.id, "data-press": "void",
    "data-sale": row.id, disabled: row.voided },
  h("span", { class: "at" }, row.clock),
  h("span", { class: "whose" }, h("b", {}, who(row)), h("span", { class: "quiet" }, paid(row))),
  h("span", { class: "sum" }, h("b", {}, money(row.amount)),
    row.voided ? h("span", { class: "quiet" }, label("voided")) : null));
}

function taking(view) {
  const { row, reasons, reason } = view.desk;
  return [main("taking",
    title(label("void_title"), view), view.notice ? band(view.notice) : null,
    h("div", { class: "words" }, amount(row.amount),
      h("p", {}, [row.clock, who(row), paid(row), row.number].filter(Boolean).join(" · ")),
      h("p", {}, label(cash(row) ? "void_back_cash" : "void_back"))),
    h("div", { class: "why", role: "group", "aria-label": label("void_why") },
      reasons.map((name) => button("chip", { "data-press": "reason", "data-reason": name,
        "aria-pressed": name === reason ? "true" : "false" }, label(REASONS[name]))))),
  footer(back("back"),
    button("wide danger", { "data-press": "yes", disabled: reason === "" }, label("void_yes")))];
}

function figures(shift) {
  const line = (text, value, classes = "") => h("div", { class: `row ${classes}` },
    h("span", { class: "what" }, text), h("b", {}, value));
  const differs = shift.counted === null ? 0 : shift.counted - shift.drawer;
  return h("div", { class: "card bill" },
    line(label("shift_sales"), label("shift_count", { count: shift.sales })),
    line(label("shift_voids"), label("shift_count", { count: shift.voids })),
    line(label("shift_subsidy"), money(shift.subsidy)),
    line(label("shift_cash"), money(shift.cash)),
    line(label("shift_drawer"), money(shift.drawer)),
    shift.counted === null ? null : [line(label("shift_counted"), money(shift.counted)),
      line(label("shift_differs"), money(differs), differs === 0 ? "saving" : "differs")]);
}

function closing(view) {
  const { shift } = view.desk;
  return [main("closing",
    title(label("shift_title"), view), view.notice ? band(view.notice) : null,
    shift.since ? h("p", { class: "quiet" }, label("shift_since", { clock: shift.since })) : null,
    figures(shift)),
  footer(back("back"), button("wide primary", { "data-press": "yes" }, label("shift_yes")))];
}

function written({ row, shift }) {
  return [main("done", icon("ok", "huge"),
    h("h1", {}, label(shift ? "shift_done" : "void_done")),
    shift ? figures(shift) : [amount(row.amount),
      h("p", {}, label(cash(row) ? "void_back_cash" : "void_done_hint"))]),
  footer(button("wide", { "data-press": "yes" }, label("back")))];
}
