// The phone: the worker that keeps pages for when the network is gone. Without this file all works.
navigator.serviceWorker?.register("/me/sw.js", { scope: "/me/" }).catch(() => {});

// Whoever has signed out leaves no pages behind.
if (location.pathname.startsWith("/me/login") && globalThis.caches) {
  const store = await caches.open("dafan-me");
  const pages = (await store.keys()).filter((one) => {
    const { pathname } = new URL(one.url);
    return pathname.startsWith("/me/") && pathname !== "/me/offline";
  });
  for (const page of pages) await store.delete(page);
}

// A page that was kept says from when it is.
const { kept } = document.documentElement.dataset;
const line = document.getElementById("kept");
if (kept && line) {
  const at = new Date(kept).toLocaleString(document.documentElement.lang, { dateStyle: "short", timeStyle: "short" });
  line.textContent = line.dataset.old.replace("{at}", at);
  line.hidden = false;
}
