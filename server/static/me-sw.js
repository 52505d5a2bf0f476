// The last seen pages of the phone, for when the network is gone. The network comes first; only GET
// requests of pages and pictures under /me/ and of style sheets, scripts and drawings are kept. The
// store is emptied when somebody signs out (me.js).
const STORE = "dafan-me";
const OFFLINE = "/me/offline";
const ASSETS = ["/static/", "/tokens/", "/bootstrap/static/"];
const PAGES = 30;
const PATIENCE_MS = 6000;

const isAsset = (url) => ASSETS.some((folder) => url.pathname.startsWith(folder));

/** Keep an answer with the time at which it was seen; the pages seen longest ago go. */
async function keep(address, answer) {
  const store = await caches.open(STORE);
  const headers = new Headers(answer.headers);
  headers.set("X-Dafan-Seen", new Date().toISOString());
  await store.delete(address);
  await store.put(address, new Response(await answer.blob(), { status: 200, headers }));
  const pages = (await store.keys()).filter((one) => {
    const url = new URL(one.url);
    return !isAsset(url) && url.pathname !== OFFLINE;
  });
  for (const old of pages.slice(0, Math.max(0, pages.length - PAGES))) await store.delete(old);
}

/** What was kept of an address; a page says at its root element when it was seen. */
async function recall(address) {
  const found = await caches.match(address, { cacheName: STORE, ignoreVary: true });
  if (!found || address === OFFLINE || !found.headers.get("Content-Type")?.startsWith("text/html")) return found;
  const text = await found.text();
  const marked = text.replace("<html", `<html data-kept="${found.headers.get("X-Dafan-Seen")}"`);
  return new Response(marked, { status: 200, headers: found.headers });
}

const whole = (answer) => answer.status === 200 && answer.type === "basic" && !answer.redirected;
const kept = (url) => isAsset(url) || (url.pathname.startsWith("/me/") && !url.pathname.startsWith("/me/login"));

addEventListener("install", (event) => {
  skipWaiting();
  event.waitUntil((async () => {
    const page = await fetch(OFFLINE);
    if (whole(page)) await keep(OFFLINE, page);
  })());
});

addEventListener("activate", (event) => { event.waitUntil(clients.claim()); });

addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== location.origin || !kept(url)) return;
  event.respondWith((async () => {
    try {
      const fresh = await fetch(event.request, { signal: AbortSignal.timeout(PATIENCE_MS) });
      if ([502, 503, 504].includes(fresh.status)) throw new TypeError("the server is away");
      if (whole(fresh)) event.waitUntil(keep(event.request.url, fresh.clone()));
      return fresh;
    } catch {
      const page = event.request.mode === "navigate";
      return await recall(event.request.url) ?? (page ? await recall(OFFLINE) : null) ?? Response.error();
    }
  })());
});
