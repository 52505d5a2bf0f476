// The ring and the seconds between "recognised" and "paid". The till decides when the time is up;
// the page only fills the gaps between its words.

const calm = matchMedia("(prefers-reduced-motion: reduce)");
let deadline = null;
let whole = 1;
let running = 0;

/** Take in the till's word; null and 0 stop. */
export function setCountdown(leftMs, wholeMs) {
  cancelAnimationFrame(running);
  deadline = leftMs ? performance.now() + leftMs : null;
  whole = Math.max(wholeMs, leftMs ?? 0, 1);
  if (deadline !== null) tick();
}

/** Permille and seconds that are left now. */
export function countdownNow() {
  const left = Math.max(0, (deadline ?? 0) - performance.now());
  const seconds = Math.max(1, Math.ceil(left / 1000));
  return { permille: calm.matches ? 1000 : Math.round((1000 * left) / whole), seconds };
}

function tick() {
  const { permille, seconds } = countdownNow();
  const ring = document.querySelector("#ring-fill");
  ring?.setAttribute("stroke-dasharray", `${permille} 1000`);
  ring?.toggleAttribute("data-none", permille === 0); // a round cap would leave a dot
  for (const text of document.querySelectorAll("[data-seconds]")) {
    if (text.textContent !== String(seconds)) text.textContent = seconds;
  }
  running = requestAnimationFrame(tick);
}
