// Sentences of the chosen language. The table comes from the till, so page and till agree.

let table = { notices: {}, labels: {}, manner: {} };
let language = "zh";

export async function loadWords() {
  try {
    table = await (await fetch("/texts.json")).json();
  } catch {
    await new Promise((done) => setTimeout(done, 1000)); // the till is just starting
    await loadWords();
  }
}

/** How the till looks at first, and which languages it speaks. */
export const manner = () => table.manner;

export function setLanguage(next) {
  language = next;
  document.documentElement.lang = next === "zh" ? "zh-CN" : "en";
}

export const currentLanguage = () => language;

/** 1280 → "12.80"; thousands are grouped. */
export function yuan(fen) {
  const sign = fen < 0 ? "-" : "";
  const whole = Math.floor(Math.abs(fen) / 100).toString().replace(/\B(?=(\d{3})+$)/g, ",");
  return `${sign}${whole}.${(Math.abs(fen) % 100).toString().padStart(2, "0")}`;
}

export const money = (fen) => (fen < 0 ? `-¥${yuan(-fen)}` : `¥${yuan(fen)}`);

function fill(text, params) {
  return text.replace(/\{(\w+)\}/g, (_, name) => {
    const value = params[name] ?? "";
    if (name.endsWith("_labels")) {
      return value.split(",").map((code) => table.labels[code]?.[language] ?? code).join(language === "zh" ? "、" : ", ");
    }
    return name.endsWith("_fen") && typeof value === "number" ? money(value) : String(value);
  });
}

export const label = (code, params = {}) => fill(table.labels[code][language], params);

/** A notice as [the matter, the advice]; a code without a sentence shows itself. */
export function sentences(notice) {
  const texts = table.notices[notice.code]?.[language] ?? [notice.code, ""];
  return texts.map((text) => fill(text, notice.params));
}
