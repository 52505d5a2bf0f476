// A board renews itself every few seconds. Without the network it keeps what it has, and says since when.
const EVERY_MS = 5000;
const SHIFT_MS = 60_000;
const SHIFTS = [[0, 0], [6, 4], [12, 0], [6, -4], [0, -8], [-6, -4], [-12, 0], [-6, 4]];
const wall = document.getElementById("wall");
const away = document.getElementById("away");
const address = document.body.dataset.content;
let shift = 0;

/** Load the pictures of the new content first, so that none flickers. */
async function ready(fresh) {
  const loads = [...fresh.querySelectorAll("img")].map((image) => {
    const loader = new Image();
    loader.src = image.src;
    return loader.decode();
  });
  await Promise.all(loads);
}

async function renew() {
  try {
    const answer = await fetch(address, { cache: "no-store", signal: AbortSignal.timeout(EVERY_MS * 2) });
    if (answer.status === 404) {
      location.reload();
      return;
    }
    if (!answer.ok) throw new Error(answer.statusText);
    const fresh = document.createElement("template");
    fresh.innerHTML = await answer.text();
    await ready(fresh.content);
    wall.replaceChildren(fresh.content);
    away.hidden = true;
  } catch {
    if (away.hidden) away.querySelector("b").textContent = wall.querySelector("[data-at]").dataset.at;
    away.hidden = false;
  }
}

// Nothing stands on the same pixels for ever.
function move() {
  shift = (shift + 1) % SHIFTS.length;
  const [x, y] = SHIFTS[shift];
  wall.style.transform = `translate(${x}px, ${y}px)`;
}

setInterval(renew, EVERY_MS);
setInterval(move, SHIFT_MS);
