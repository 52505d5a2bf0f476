// The scale and the label printer beside this tablet: `dafan devices serve` on its own machine.
const EVERY_MS = 200;
const GIVE_UP = 3;

/** Ask a device; null where nobody answers. */
async function ask(base, path, body) {
  try {
    const options = body === undefined ? {} : {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
    };
    const answer = await fetch(`${base}${path}`, { ...options, signal: AbortSignal.timeout(15000) });
    return await answer.json();
  } catch {
    return null;
  }
}

/** A weight field that follows the scale until a hand types into it. */
class Weight {
  constructor(box) {
    this.box = box;
    this.field = box.querySelector("input[name]");
    this.from = box.querySelector("[data-from]");
    this.live = box.querySelector("[data-live]");
    this.say = box.dataset;
    this.failed = 0;
    this.byHand = false;
    this.resting = false;
    this.rested = null;
    box.querySelector("[data-by-hand]").addEventListener("click", () => { this.clear(); this.type(); });
    box.querySelector("[data-by-scale]").addEventListener("click", () => this.follow());
    for (const event of ["input", "pad"]) this.field.addEventListener(event, () => this.type());
    box.closest("form")?.addEventListener("submit", (event) => this.hold(event), { capture: true });
  }

  get shown() { return this.box.offsetParent !== null; }

  type() {
    this.byHand = true;
    this.from.value = "hand";
    this.show(this.box.classList.contains("has-scale") ? "typed" : "none");
  }

  follow() {
    this.byHand = false;
    this.field.value = "";
    this.from.value = "";
    this.show("moving");
  }

  /** What the scale said. */
  hear(told) {
    this.failed = told === null || told.state === "none" ? this.failed + 1 : 0;
    const there = this.failed < GIVE_UP && told !== null && told.state === "connected";
    this.box.classList.toggle("has-scale", there);
    if (this.byHand) return;
    if (!there) {
      if (this.failed >= GIVE_UP) this.show("none");
      else if (told !== null) this.show("silent");
      this.clear();
      return;
    }
    if (told.over) { this.show("over"); this.clear(); return; }
    if (told.grams === null || told.faulty) { this.show("silent"); this.clear(); return; }
    this.resting = told.stable && told.grams > 0;
    this.field.value = this.say.unit === "kg" ? (told.grams / 1000).toFixed(3) : String(told.grams);
    this.from.value = "scale";
    const short = Number(this.say.least) - told.grams;
    if (this.resting && short > 0) this.show("short", this.say.short.replace("{n}", short));
    else this.show(this.resting ? "resting" : told.grams > 0 ? "moving" : "empty");
  }

  clear() {
    this.resting = false;
    if (this.from.value === "scale") this.field.value = this.from.value = "";
  }

  show(state, text = this.say[state] ?? "") {
    if (this.box.dataset.state === state && this.live.textContent === text) return;
    this.box.dataset.state = state;
    this.live.textContent = text;
  }

  /** A weight that still moves is not sent. */
  hold(event) {
    if (this.byHand || !this.box.classList.contains("has-scale") || this.resting || !this.shown) return;
    if (!this.field.required && !Number(this.field.value)) { this.field.value = ""; return; }
    event.preventDefault();
    event.stopImmediatePropagation();
    this.box.classList.add("nudge");
    setTimeout(() => this.box.classList.remove("nudge"), 600);
  }
}

const boxes = [...document.querySelectorAll("[data-scale]")];
const base = boxes[0]?.dataset.scale;
if (base) {
  const weights = boxes.map((box) => new Weight(box));
  const look = async () => {
    const open = weights.filter((weight) => weight.shown);
    if (open.length && !document.hidden) {
      const told = await ask(base, "/weight");
      for (const weight of open) weight.hear(told);
    }
    const absent = weights.every((weight) => weight.failed >= GIVE_UP);
    setTimeout(look, absent ? 3000 : EVERY_MS);
  };
  look();
}

// A label is asked of the server and printed by the printer beside this tablet.
for (const button of document.querySelectorAll("[data-label]")) {
  button.addEventListener("click", async () => {
    button.disabled = true;
    const said = button.parentElement.querySelector("[data-printed]");
    let text = button.dataset.failed;
    try {
      const answer = await fetch(button.dataset.label, { headers: { Accept: "application/json" } });
      const told = answer.ok ? await ask(button.dataset.printer, "/print", await answer.json()) : null;
      if (told?.ok) text = button.dataset.done;
      else if (told?.error) text = `${button.dataset.failed} ${told.error}`;
    } catch { /* the text says it */ }
    said.textContent = text;
    said.className = text === button.dataset.done ? "said ok" : "said stop";
    button.disabled = false;
  });
}
