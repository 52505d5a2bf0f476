// The tablet's photo button: one big target, and what was taken beside it. Without this file the
// browser's own file button serves.
for (const box of document.querySelectorAll("[data-shoot]")) {
  const field = box.querySelector("input");
  const picture = box.querySelector("img");
  const text = box.querySelector("[data-shoot-text]");
  const said = text.textContent;
  box.classList.add("ready");
  const show = () => {
    const [file] = field.files;
    box.classList.toggle("taken", Boolean(file));
    text.textContent = file ? box.dataset.again : said;
    picture.hidden = true;
    if (!file) return;
    const reader = new FileReader();
    reader.addEventListener("load", () => { picture.src = reader.result; picture.hidden = false; });
    reader.readAsDataURL(file);
  };
  field.addEventListener("change", show);
  field.form?.addEventListener("reset", () => setTimeout(show));
}
