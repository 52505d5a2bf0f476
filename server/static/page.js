// Conveniences of every page. Without this file all pages still work.

/** Ask before a form with data-ask is sent. */
function ask(form) {
  const dialog = document.createElement("dialog");
  const title = document.createElement("h2");
  title.textContent = form.dataset.yes;
  const text = document.createElement("p");
  text.textContent = form.dataset.ask;
  const actions = document.createElement("div");
  actions.className = "actions";
  const no = document.createElement("button");
  no.className = "btn btn-plain";
  no.textContent = form.dataset.no;
  no.addEventListener("click", () => dialog.close());
  const yes = document.createElement("button");
  yes.className = "btn btn-primary";
  yes.textContent = form.dataset.yes;
  yes.addEventListener("click", () => {
    form.dataset.asked = "";
    form.requestSubmit();
    delete form.dataset.asked;
    dialog.close();
  });
  actions.append(no, yes);
  dialog.append(title, text, actions);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  no.focus();
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.ask && form.dataset.asked === undefined) {
    event.preventDefault();
    ask(form);
    return;
  }
  // A second click on a slow day must not send the form twice.
  for (const button of form.querySelectorAll("button")) {
    setTimeout(() => { button.disabled = form.method === "post" && !event.defaultPrevented; });
  }
});

window.addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("form button:disabled")) button.disabled = false;
});

// On a phone the navigation is one line that scrolls: show where we are.
document.querySelector(".side nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

// A row that names a page opens it wherever it is clicked; the link inside serves the keyboard.
document.addEventListener("click", (event) => {
  const row = event.target.closest("tr[data-href]");
  if (row && !event.target.closest("a, button, input, select, summary")) location.href = row.dataset.href;
});

document.addEventListener("change", (event) => {
  if (event.target.matches("select[data-send], input[data-send]")) event.target.form.requestSubmit();
});

for (const button of document.querySelectorAll("[data-print]")) {
  button.addEventListener("click", () => window.print());
}

// Whoever has signed out leaves no pages behind on a shared tablet.
if (location.pathname === "/login") globalThis.caches?.delete("dafan-kitchen");

// A receipt that was asked for on paper goes to the printer at once.
if (document.querySelector("[data-print-now]")) window.print();

/** What is wider than its place is moved by keys as well as by a finger. */
function reach() {
  for (const box of document.querySelectorAll(".scroll, .panel, .pane, .consent, .trace-file section")) {
    const hidden = box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight;
    if (hidden && getComputedStyle(box).overflowX !== "visible") box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
}
addEventListener("resize", reach);
reach();
