// Reads a label: a scanner that types, the camera where the browser reads codes, else a photograph.
// Without this file the number is typed, or a photograph is chosen and sent.

const typing = "input, select, textarea, dialog";

// A scanner is a fast keyboard that ends with Enter: what it types belongs into the field.
for (const field of document.querySelectorAll("[data-wedge]")) {
  document.addEventListener("keydown", (event) => {
    if (event.key.length !== 1 || event.ctrlKey || event.metaKey || event.altKey) return;
    if (!event.target.closest(typing)) field.focus();
  });
  field.addEventListener("focus", () => field.select());
}

/** Look through the camera until a code is seen; answers its text, or nothing when closed. */
async function look(form, detector) {
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  const dialog = document.createElement("dialog");
  dialog.className = "looking";
  const text = document.createElement("p");
  text.textContent = form.dataset.looking;
  const video = document.createElement("video");
  video.muted = true;
  video.playsInline = true;
  video.srcObject = stream;
  const close = document.createElement("button");
  close.type = "button";
  close.className = "btn btn-plain";
  close.textContent = form.dataset.close;
  close.addEventListener("click", () => dialog.close());
  dialog.append(text, video, close);
  document.body.append(dialog);
  dialog.showModal();
  await video.play();
  let found = "";
  while (dialog.open && !found) {
    const codes = await detector.detect(video);
    found = codes[0]?.rawValue ?? "";
    await new Promise((resume) => { setTimeout(resume, 150); });
  }
  for (const track of stream.getTracks()) track.stop();
  dialog.remove();
  return found;
}

for (const form of document.querySelectorAll("[data-scan-photo]")) {
  form.querySelector("[data-send]").hidden = true;
  const file = form.querySelector("input[type=file]");
  file.addEventListener("change", () => { if (file.files.length) form.submit(); });
  if (!("BarcodeDetector" in window) || !navigator.mediaDevices) continue;
  form.querySelector("[data-open]").addEventListener("click", async (event) => {
    event.preventDefault();
    try {
      const code = await look(form, new window.BarcodeDetector({ formats: ["qr_code"] }));
      if (!code) return;
      const typed = document.querySelector("[data-scan]");
      typed.elements.code.value = code;
      typed.submit();
    } catch {
      file.click(); // no camera, or it is not allowed: a photograph serves
    }
  });
}
