// A form with data-look shows beside it what the server makes of it while somebody types.
// It also adds and drops lines. Without this file the form is sent and answered as any other.

function quiet(work, milliseconds) {
  let waiting = 0;
  return () => {
    clearTimeout(waiting);
    waiting = setTimeout(work, milliseconds);
  };
}

function watch(form) {
  const shown = document.getElementById("look");
  let newest = 0;
  const look = quiet(async () => {
    const turn = ++newest;
    const answer = await fetch(form.dataset.look, { method: "POST", body: new FormData(form) }).catch(() => null);
    if (!answer || turn !== newest) return;
    if (answer.redirected) { location.reload(); return; }
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").body;
    if (turn === newest) shown.replaceChildren(...fresh.childNodes);
  }, 250);
  form.addEventListener("input", look);
  form.addEventListener("change", look);

  const lines = form.querySelector("[data-lines]");
  const blank = form.querySelector("template[data-line]");
  const add = () => {
    lines.append(blank.content.cloneNode(true));
    return lines.lastElementChild;
  };
  form.querySelector("[data-add]")?.addEventListener("click", () => add().querySelector("input").focus());
  lines?.addEventListener("click", (event) => {
    const drop = event.target.closest("[data-drop]");
    if (!drop) return;
    drop.closest("tr").remove();
    look();
  });
  // Whoever fills in the last line gets another one.
  lines?.addEventListener("input", () => {
    if (lines.lastElementChild?.querySelector("input")?.value) add();
  });
}

for (const form of document.querySelectorAll("form[data-look]")) watch(form);
