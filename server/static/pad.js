// A number pad for wet hands. Without this file the tablet's own keyboard serves.
const ERASE = document.documentElement.lang === "en" ? "Delete" : "删除";

function button(text, press) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.addEventListener("click", press);
  return made;
}

/** A pad of these keys; every press goes to the field that `target` names at that moment. */
export function pad(keys, target) {
  const box = document.createElement("div");
  box.className = "pad";
  const change = (edit) => {
    const field = target();
    const value = edit(field.value);
    if (field.maxLength > 0 && value.length > field.maxLength) return;
    field.value = value;
    field.dispatchEvent(new Event("pad", { bubbles: true }));
  };
  for (const key of keys) {
    box.append(button(key, () => change((value) => {
      if (key === "−") return value.startsWith("-") ? value.slice(1) : `-${value}`;
      return key === "." && value.includes(".") ? value : value + key;
    })));
  }
  const back = button("⌫", () => change((value) => value.slice(0, -1)));
  back.className = "back";
  back.setAttribute("aria-label", ERASE);
  box.append(back);
  return box;
}

for (const field of document.querySelectorAll("input[data-pad]")) {
  field.inputMode = "none";
  const signed = field.dataset.pad === "signed";
  const keys = pad([...(signed ? "789456123−0." : "789456123.0")], () => field);
  keys.classList.toggle("signed", signed);
  field.closest("label").after(keys);
}
