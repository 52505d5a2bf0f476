// Receiving: a signature drawn with the finger becomes the form's photograph; a chip fills in a day.
// Without this file the signature is photographed and the day is picked.

/** A place to draw in, whose picture goes into the form's file field after every stroke. */
function drawn(form) {
  const input = form.querySelector("input[type=file]");
  const board = document.createElement("div");
  board.className = "board";
  const canvas = document.createElement("canvas");
  canvas.width = 640;
  canvas.height = 240;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", form.dataset.hint);
  const clear = document.createElement("button");
  clear.type = "button";
  clear.className = "btn btn-plain";
  clear.textContent = form.dataset.clear;
  const hint = document.createElement("span");
  hint.className = "quiet";
  hint.textContent = form.dataset.hint;
  board.append(canvas, hint, clear);
  const other = document.createElement("details");
  const summary = document.createElement("summary");
  summary.textContent = form.dataset.other;
  const shoot = form.querySelector(".shoot");
  shoot.before(board, other);
  other.append(summary, shoot);
  // The server asks for it: a closed part of the page could not.
  input.required = false;
  const pen = canvas.getContext("2d");

  function empty() {
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    hint.hidden = false;
  }
  function place(event) {
    const box = canvas.getBoundingClientRect();
    const across = canvas.width / box.width;
    return [(event.clientX - box.left) * across, (event.clientY - box.top) * across];
  }
  function keep() {
    canvas.toBlob((picture) => {
      const files = new DataTransfer();
      files.items.add(new File([picture], "signature.png", { type: "image/png" }));
      input.files = files.files;
      board.classList.add("drawn");
    });
  }

  empty();
  let last = null;
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    last = place(event);
    hint.hidden = true;
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!last) return;
    const next = place(event);
    pen.lineWidth = 5;
    pen.lineCap = "round";
    pen.strokeStyle = "#1F2421";
    pen.beginPath();
    pen.moveTo(...last);
    pen.lineTo(...next);
    pen.stroke();
    last = next;
  });
  for (const name of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(name, () => {
      if (last) keep();
      last = null;
    });
  }
  clear.addEventListener("click", () => {
    empty();
    board.classList.remove("drawn");
    input.value = "";
  });
}

for (const form of document.querySelectorAll("form[data-signature]")) drawn(form);
for (const chip of document.querySelectorAll("[data-day]")) {
  chip.addEventListener("click", (event) => {
    event.preventDefault();
    chip.closest("label").querySelector("input").value = chip.dataset.day;
  });
}
