// All stations of a box, for whoever sets displays up or looks what is wrong.

import { h, morph } from "./dom.js";
import { icon } from "./parts.js";

const SIGNS = { stop: "stop", warn: "warn", ok: "ok", calm: "ok", info: "pick" };

const station = ([number, view]) => h("li", { class: view.tone },
  h("a", { href: `/s/${number}` }, h("b", {}, number),
    h("span", { class: "dish" }, view.dish || view.label || "—", view.price ? ` · ¥${view.price} / ${view.per[0]}` : ""),
    h("span", { class: "state" }, icon(SIGNS[view.tone]), view.title[0])));

async function look() {
  try {
    const { place, stations } = await (await fetch("/stations.json")).json();
    document.querySelector("#place").textContent = place;
    morph(document.querySelector("#stations"), h("ul", { id: "stations" }, Object.entries(stations).map(station)));
  } catch {
    document.querySelector("#place").textContent = "正在恢复";
  }
  setTimeout(look, 2000);
}

look();
