// A number pad for wet hands. Without this file the tablet's own keyboard serves.
for (const field of document.querySelectorAll("input[data-pad]")) {
  const pad = document.createElement("div");
  pad.className = "pad";
  for (const key of ["7", "8", "9", "4", "5", "6", "1", "2", "3", "−", "0", "."]) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = key;
    button.addEventListener("click", () => {
      if (key === "−") field.value = field.value.startsWith("-") ? field.value.slice(1) : `-${field.value}`;
      else if (key !== "." || !field.value.includes(".")) field.value += key;
      field.dispatchEvent(new Event("pad"));
    });
    pad.append(button);
  }
  const back = document.createElement("button");
  back.type = "button";
  back.className = "back";
  back.textContent = "⌫";
  back.setAttribute("aria-label", document.documentElement.lang === "en" ? "Delete" : "删除");
  back.addEventListener("click", () => {
    field.value = field.value.slice(0, -1);
    field.dispatchEvent(new Event("pad"));
  });
  pad.append(back);
  field.inputMode = "none";
  field.closest("label").after(pad);
}
