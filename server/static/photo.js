// Sends a photograph without leaving the page: the chosen file stays chosen where the server asks
// back, so that nobody takes the same photograph twice. Without this file the form is sent as usual.

/** Show the answer as if the form had been sent, and keep the chosen file for a second try. */
function show(html, address, files) {
  const fresh = new DOMParser().parseFromString(html, "text/html");
  document.title = fresh.title;
  document.body.replaceWith(fresh.body);
  history.replaceState(null, "", address);
  const input = document.querySelector("form[data-photo] input[name=photo]");
  if (input && document.querySelector("form[data-photo] [name=confirm]")) {
    input.files = files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  }
  (document.querySelector(".note") ?? document.body).scrollIntoView({ block: "center" });
}

/** Say beside the field what is wrong; an empty text takes it back. */
function tell(form, text) {
  const place = form.querySelector("[data-fault]");
  place.textContent = text;
  place.hidden = !text;
}

document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-photo]");
  if (!form || event.target.type !== "file") return;
  const file = event.target.files[0];
  const preview = form.querySelector("[data-preview]");
  const fits = file && file.size <= Number(form.dataset.maxBytes);
  tell(form, file && !fits ? form.dataset.tooLarge : "");
  preview.hidden = true;
  if (!fits) return;
  const reader = new FileReader();
  reader.addEventListener("load", () => { preview.src = reader.result; });
  preview.addEventListener("load", () => { preview.hidden = false; }, { once: true });
  reader.readAsDataURL(file);
});

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (form.dataset.photo === undefined) return;
  event.preventDefault();
  const { files } = form.elements.photo;
  if (files[0] && files[0].size > Number(form.dataset.maxBytes)) {
    tell(form, form.dataset.tooLarge);
    return;
  }
  const button = form.querySelector("button");
  const said = button.textContent;
  button.textContent = form.dataset.busy;
  button.disabled = true;
  try {
    const answer = await fetch(form.action, { method: "POST", body: new FormData(form) });
    show(await answer.text(), answer.redirected ? answer.url : location.href, files);
  } catch {
    tell(form, form.dataset.broken);
    button.textContent = said;
    button.disabled = false;
  }
});
