// Keeps the parts marked with data-live as the server has them now, by asking every few seconds.
// A plain request each time: it works with any number of workers and through any proxy.

function refresh(part, fresh) {
  const known = new Set([...part.querySelectorAll("[data-id]")].map((row) => row.dataset.id));
  const open = [...part.querySelectorAll("details[open]")].map((one) => one.id);
  part.replaceChildren(...fresh.childNodes);
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  for (const row of part.querySelectorAll("[data-id]")) {
    if (known.size && !known.has(row.dataset.id)) row.classList.add("fresh");
  }
}

async function ask(part, notice) {
  const answer = await fetch(part.dataset.live, { headers: { Accept: "text/html", "X-Dafan-Live": "1" } });
  if (answer.redirected) { location.reload(); return; }
  if (!answer.ok) throw new Error(String(answer.status));
  const text = await answer.text();
  if (text !== part.lastText) {
    part.lastText = text;
    refresh(part, new DOMParser().parseFromString(text, "text/html").body);
  }
  notice.hidden = true;
}

for (const part of document.querySelectorAll("[data-live]")) {
  const notice = document.querySelector("[data-live-notice]");
  const seconds = Number(part.dataset.seconds || 3);
  const again = async () => {
    if (!document.hidden) {
      try { await ask(part, notice); } catch { notice.hidden = false; }
    }
    setTimeout(again, seconds * 1000);
  };
  setTimeout(again, seconds * 1000);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) ask(part, notice).catch(() => { notice.hidden = false; });
  });
}
