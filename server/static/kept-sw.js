// The last seen pages of a realm (/kitchen/, /me/), for when the network is gone: the tablet and the
// phone each get this worker at an address of their own, which says what its realm is. The network
// comes first; only GET requests of pages of the realm and of style sheets, scripts and drawings are
// kept. The store is emptied when somebody signs out (page.js, me.js).
const REALM = new URL("./", location).pathname;
const [STORE, PAGES, mine] = {
  // On the shared tablet only what somebody opened; figures that a page asks for are never old ones.
  "/kitchen/": ["dafan-kitchen", 60, (request) => request.mode === "navigate"],
  "/me/": ["dafan-me", 30, (request, url) => !url.pathname.startsWith("/me/login")],
}[REALM];
const OFFLINE = `${REALM}offline`;
const ASSETS = ["/static/", "/tokens/", "/bootstrap/static/"];
const PATIENCE_MS = 6000;

const isAsset = (url) => ASSETS.some((folder) => url.pathname.startsWith(folder));
const isPage = (url) => url.pathname.startsWith(REALM) && url.pathname !== OFFLINE;
const whole = (answer) => answer.status === 200 && answer.type === "basic" && !answer.redirected;

/** Keep an answer with the time at which it was seen; the pages seen longest ago go. */
async function keep(address, answer) {
  const store = await caches.open(STORE);
  const headers = new Headers(answer.headers);
  headers.set("X-Dafan-Seen", new Date().toISOString());
  await store.delete(address);
  await store.put(address, new Response(await answer.blob(), { status: 200, headers }));
  const pages = (await store.keys()).filter((one) => isPage(new URL(one.url)));
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

/** The network's answer, kept; without a network what was kept; without that the page for it. */
async function answer(event) {
  try {
    const fresh = await fetch(event.request, { signal: AbortSignal.timeout(PATIENCE_MS) });
    if ([502, 503, 504].includes(fresh.status)) throw new TypeError("the server is away");
    if (whole(fresh)) event.waitUntil(keep(event.request.url, fresh.clone()));
    return fresh;
  } catch {
    const page = event.request.mode === "navigate";
    return await recall(event.request.url) ?? (page ? await recall(OFFLINE) : null) ?? Response.error();
  }
}

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
  if (event.request.method !== "GET" || url.origin !== location.origin) return;
  if (isAsset(url) || (url.pathname.startsWith(REALM) && mine(event.request, url))) event.respondWith(answer(event));
});

// The first page was loaded before this worker: it names itself and its parts.
addEventListener("message", (event) => {
  const named = [event.data.page, ...event.data.parts].filter((address) => {
    const url = new URL(address);
    return url.origin === location.origin && (isAsset(url) || (address === event.data.page && isPage(url)));
  });
  event.waitUntil(Promise.all(named.map(async (address) => {
    if (await caches.match(address, { cacheName: STORE })) return;
    const found = await fetch(address);
    if (whole(found)) await keep(address, found);
  })));
});
