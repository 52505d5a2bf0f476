// Counted dishes as tiles, with their portions.

import { h } from "./dom.js";
import { band, button, icon, languageTool } from "./parts.js";
import { label, money, yuan } from "./words.js";

/** The list of counted dishes, and what is chosen. */
export function pick(view, ui) {
  const dishes = view.menu.filter((dish) => dish.unit === "piece" && dish.price !== null);
  const kinds = [...new Set(dishes.map((dish) => dish.category).filter(Boolean))];
  const shown = kinds.includes(ui.category) ? dishes.filter((dish) => dish.category === ui.category) : dishes;
  return [h("main", { class: "pick", "data-key": "pick" },
    h("div", { class: "title" }, h("h1", {}, label("pick_title")), languageTool()),
    view.notice ? band(view.notice) : null,
    kinds.length > 1 ? chips(kinds, ui.category) : null,
    h("div", { class: "tiles", tabindex: 0 }, shown.map(tile))),
  h("footer", {}, chosen(view),
    h("div", { class: "pair" }, button("wide", { "data-press": "cancel" }, label("cancel")),
      button("wide primary", { "data-press": "picked", disabled: view.lines.length === 0 }, label("picked"))))];
}

const chips = (kinds, current) => h("div", { class: "chips" }, ["", ...kinds].map((kind) =>
  button("chip", { "data-page": "category", "data-category": kind,
    "aria-pressed": kind === (kinds.includes(current) ? current : "") ? "true" : "false" }, kind || label("all"))));

function tile(dish) {
  const portions = [["full", dish.price], ["half", dish.half], ["small", dish.small]].filter(([, price]) => price !== null);
  const several = portions.length > 1;
  return h("div", { class: "card tile", "data-key": dish.id }, h("b", {}, dish.name),
    h("div", { class: "portions" }, portions.map(([portion, price]) => button("portion",
      { "data-press": "add", "data-dish": dish.id, "data-portion": portion,
        "aria-label": `${dish.name} ${label(portion)} ${money(price)}` },
      several ? h("span", {}, label(portion)) : icon("plus"), h("b", {}, money(price))))));
}

function chosen(view) {
  if (view.lines.length === 0) return h("div", { class: "card chosen empty" }, label(view.orders ? "basket_or_order" : "basket_empty"));
  return h("div", { class: "card chosen" },
    h("div", { class: "chosen-lines" }, view.lines.map((line) => h("span", { class: "item", "data-key": line.key || "scale" },
      h("span", {}, line.name, line.portion === "full" ? "" : ` · ${label(line.portion)}`,
        line.quantity > 1 ? ` × ${line.quantity}` : "", line.grams === null ? "" : ` ${line.grams} g`),
      line.key ? button("less", { "data-press": "remove", "data-line": line.key,
        "aria-label": label("remove", { name: line.name }) }, icon("remove")) : null))),
    h("div", { class: "sum" }, h("span", {}, label("total")),
      h("b", {}, view.total === null ? "—" : `¥${yuan(view.total)}`)));
}
