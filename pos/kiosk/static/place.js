// The camera's whole picture for whoever sets where the payer stands: zone, faces, what the till
// makes of each. Left is left here, as in the settings; nothing of it is kept.

import { h } from "./dom.js";
import { icon } from "./parts.js";
import { label } from "./words.js";

const PAUSE_MS = 120;
const LOST_MS = 500;
const TENTHS = [1, 2, 3, 4, 5, 6, 7, 8, 9];
const SHORT = { ok: "face_ok", two_faces: "face_several", too_small: "face_small", outside: "face_outside",
  behind: "face_behind", cut_off: "face_cut_off", turned: "face_turned", tilted: "face_tilted",
  dark: "face_dark", bright: "face_bright", blurred: "face_blurred" };
const LONG = { ok: "aim_ok", two_faces: "aim_several", too_small: "aim_small", outside: "aim_outside",
  no_face: "aim_no_face" };
const LEVELS = { ok: "ok", two_faces: "stop", outside: "none", behind: "none" };

const level = (verdict) => LEVELS[verdict] ?? "warn";

/** The place of picture and words; `watchPlace` fills it. */
export const stage = () => h("div", { class: "stage", "data-live": "place" },
  h("div", { class: "view" }, h("div", { class: "frame", hidden: true }, h("canvas", {}), h("div", { class: "marks" }))),
  h("div", { class: "told", role: "status" }));

/** Keep the stage as new as the camera's picture while it is on the screen. */
export function watchPlace() {
  async function look() {
    const here = document.querySelector(".stage");
    const seen = here && !document.hidden ? await fetched() : undefined;
    if (here && seen !== undefined) show(here, seen);
    setTimeout(look, seen ? PAUSE_MS : LOST_MS);
  }
  look();
}

/** The newest picture, and what is seen in it; null while there is none. */
async function fetched() {
  try {
    const answer = await fetch("/place.jpg");
    if (answer.status !== 200) return null;
    const look = answer.headers.get("X-Place");
    return { picture: await createImageBitmap(await answer.blob()), look: look && JSON.parse(look) };
  } catch {
    return null;
  }
}

function show(here, seen) {
  const frame = here.querySelector(".frame");
  frame.toggleAttribute("hidden", !seen);
  if (seen) {
    draw(frame, seen.picture);
    frame.querySelector(".marks").replaceChildren(...(seen.look ? marks(seen.look) : []));
    frame.querySelectorAll(".face").forEach((face) => keepInside(face.firstChild, frame));
  }
  tell(here.querySelector(".told"), words(seen));
}

function draw(frame, picture) {
  const canvas = frame.querySelector("canvas");
  frame.style.setProperty("--ratio", picture.width / picture.height);
  if (canvas.width !== picture.width) canvas.width = picture.width;
  if (canvas.height !== picture.height) canvas.height = picture.height;
  canvas.getContext("2d").drawImage(picture, 0, 0);
  picture.close();
}

/** An element at parts of the picture; the page's policy wants no style in the markup. */
function at(element, left, top, width, height) {
  Object.entries({ left, top, width, height }).forEach(([name, part]) => {
    if (part !== undefined) element.style[name] = `${100 * part}%`;
  });
  return element;
}

function marks(look) {
  const [left, top, right, bottom] = look.zone;
  const numbers = TENTHS.flatMap((tenth) => [
    at(h("i", { class: "tenth across" }, tenth % 2 ? "" : `0.${tenth}`), tenth / 10, 0),
    at(h("i", { class: "tenth down" }, tenth % 2 ? "" : `0.${tenth}`), 0, tenth / 10)]);
  const faces = look.faces.map((face) => mark(face, look)).reverse(); // the payer's over the others'
  return [at(h("div", { class: "zone" }), left, top, right - left, bottom - top), ...numbers, ...faces];
}

function mark({ box: [x, y, width, height], width: pixels, verdict }, look) {
  const words = h("div", { class: "what" }, level(verdict) === "none" ? null : icon(level(verdict)),
    h("div", {}, h("b", {}, label("face_px", { pixels })), h("span", {}, label(SHORT[verdict]))));
  return at(h("div", { class: "face", "data-level": level(verdict) }, words),
    x / look.width, y / look.height, width / look.width, height / look.height);
}

/** A plate stands above its face, or, near an edge, where there is room for it. */
function keepInside(plate, frame) {
  const outer = frame.getBoundingClientRect();
  const box = plate.getBoundingClientRect();
  const right = Math.max(0, outer.left - box.left) - Math.max(0, box.right - outer.right);
  const down = Math.max(0, outer.top - box.top);
  plate.style.translate = `${right}px ${down}px`;
}

/** What is the matter, its sign, and the settings by which it is so. */
function words(seen) {
  if (!seen) return [label("aim_lost"), "warn", []];
  if (!seen.look) return [label("aim_no_models"), "warn", []];
  const { verdict, zone, face_px: least } = seen.look;
  const said = LONG[verdict] ? label(LONG[verdict], { least }) : label("aim_poor", { what: label(SHORT[verdict]) });
  return [said, level(verdict) === "none" ? "warn" : level(verdict),
    [[label("aim_zone"), zone.join(", ")], [label("aim_least"), label("face_px", { pixels: least })]]];
}

/** Touched only when it says something else, so that whoever hears the page is not told for ever. */
function tell(told, [said, sign, facts]) {
  const all = [said, ...facts.flat()].join("\n");
  if (told.dataset.told === all) return;
  told.dataset.told = all;
  told.replaceChildren(h("div", { class: `band ${sign}` }, icon(sign), h("b", {}, said)));
  if (facts.length === 0) return;
  told.append(
    h("div", { class: "card bill" }, facts.map(([what, value]) =>
      h("div", { class: "row" }, h("span", { class: "what" }, what), h("b", {}, value)))),
    h("p", { class: "quiet" }, label("aim_where")));
}
