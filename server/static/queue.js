// Forms that survive the loss of the network. A form with a field `key` is written to this tablet
// first and then sent; what could not be sent is sent again, in order, until the server answers.
// Its key makes it count once. A form that must not come late (data-now) is sent at once or refused
// in words. Without this file forms are sent as usual.
import { forget, whoSigns } from "./sign.js";

const HEADER = "X-Dafan-Queue";
const EVERY_MS = 15_000;
const PATIENCE_MS = 30_000;
const ASKING_MS = 8000;
const SAID = "dafan-said";
const AWAY = new Set([502, 503, 504]);
const frame = document.getElementById("queue");
const say = frame.dataset;

// --- what waits ----------------------------------------------------------------------------------

const opened = new Promise((done, fail) => {
  const asked = indexedDB.open("dafan-kitchen", 1);
  asked.onupgradeneeded = () => asked.result.createObjectStore("queue", { keyPath: "id", autoIncrement: true });
  asked.onsuccess = () => done(asked.result);
  asked.onerror = () => fail(asked.error);
});

/** One step on the stored entries; resolves when it is on the disk. */
async function stored(mode, work) {
  const base = await opened;
  return new Promise((done, fail) => {
    const turn = base.transaction("queue", mode, { durability: "strict" });
    const asked = work(turn.objectStore("queue"));
    turn.oncomplete = () => done(asked.result);
    turn.onerror = () => fail(turn.error);
    turn.onabort = () => fail(turn.error);
  });
}

const entries = () => stored("readonly", (store) => store.getAll());
const put = (entry) => stored("readwrite", (store) => store.put(entry));
const remove = (entry) => stored("readwrite", (store) => store.delete(entry.id));

// --- sending -------------------------------------------------------------------------------------

/** Which account the tablet has now, with a fresh token: {account, csrf}, "away" or "signed out". */
async function tablet() {
  if (!navigator.onLine) return "away";
  try {
    const answer = await fetch("/kitchen/who", {
      headers: { "X-Dafan-Live": "1" }, redirect: "manual", signal: AbortSignal.timeout(ASKING_MS),
    });
    if (AWAY.has(answer.status)) return "away";
    return answer.ok ? await answer.json() : "signed out";
  } catch {
    return "away";
  }
}

/** Send an entry; the server's answer, or {away} where none came. */
async function post(entry, csrf) {
  const body = new FormData();
  for (const [name, value] of entry.fields) {
    if (name === "csrf_token") body.append(name, csrf);
    else if (value instanceof Blob) body.append(name, value, value.name ?? "photo.jpg");
    else body.append(name, value);
  }
  try {
    const answer = await fetch(entry.url, {
      method: "POST", body, headers: { [HEADER]: "1" }, redirect: "manual",
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    if (AWAY.has(answer.status)) return { away: true };
    return await answer.json();
  } catch {
    return { away: true };
  }
}

/** Send one entry with the tablet's token, and keep what came of it. */
async function deliver(entry, now) {
  if (entry.account !== now.account) return { foreign: true };
  const answer = await post(entry, now.csrf);
  if (answer.away || answer.sign_in || answer.stale) return answer;
  if (answer.ok) {
    await remove(entry);
    return answer;
  }
  entry.state = answer.sign ? "unsigned" : "refused";
  entry.text = answer.messages.filter(([kind]) => kind === "stop").map(([, text]) => text).join(" ");
  await put(entry);
  return answer;
}

const answers = new Map();

/** Send what waits, the oldest first; what the server said stands in `answers`, by id. */
async function sendAll() {
  const waiting = (await entries()).filter((entry) => entry.state === "waiting");
  if (!waiting.length) return;
  const now = await tablet();
  if (typeof now === "string") {
    frame.classList.toggle("signed-out", now === "signed out");
    return;
  }
  frame.classList.remove("signed-out");
  for (const entry of waiting) {
    const answer = await deliver(entry, now);
    answers.set(entry.id, answer);
    if (answer.away || answer.sign_in || answer.stale) break;
  }
}

let turn = Promise.resolve();

/** One sending at a time, in this page and, where the browser can say so, in all of them. */
function send() {
  const once = () => (navigator.locks ? navigator.locks.request("dafan-queue", sendAll) : sendAll());
  turn = turn.then(once, once);
  return turn.finally(count);
}

let touched = false;  // somebody fills in a form of this page: it is not taken from him
for (const kind of ["input", "change", "pad", "signed"]) {
  document.getElementById("page").addEventListener(kind, () => { touched = true; });
}

const idle = () => !touched && !document.querySelector("dialog[open], form[aria-busy]");

/** Send what has waited; a page that nobody is using then shows what came of it. */
async function sendWaiting() {
  const before = new Set([...answers].filter(([, answer]) => answer.ok).map(([id]) => id));
  await send();
  const sent = [...answers].filter(([id, answer]) => answer.ok && !before.has(id));
  if (!sent.length || document.querySelector("form[aria-busy]")) return;
  const said = [...new Map(sent.flatMap(([, answer]) => answer.messages).map((one) => [one[1], one])).values()];
  if (!idle()) {
    for (const [kind, text] of said) note(kind, text);
    return;
  }
  sessionStorage.setItem(SAID, JSON.stringify(said));
  location.reload();
}

/** Send what has waited; an old page becomes a new one when the server answers again. */
async function wake() {
  await sendWaiting();
  if (kept && idle() && typeof (await tablet()) === "object") location.reload();
}

// --- what people see -----------------------------------------------------------------------------

const badge = document.getElementById("queue-badge");

async function count() {
  const all = await entries();
  const stuck = all.filter((entry) => entry.state !== "waiting").length;
  const text = stuck ? say.stuck.replace("{n}", stuck) : say.waiting.replace("{n}", all.length);
  badge.textContent = text;
  badge.hidden = all.length === 0;
  badge.classList.toggle("stop", stuck > 0);
  badge.classList.toggle("warn", stuck === 0);
  if (list.open) await fill(all);
}

/** Say something at the top of the page, as the server's own messages are said. */
function note(kind, text) {
  const known = ["ok", "warn", "stop"].includes(kind) ? kind : "info";
  const made = document.getElementById(`note-${known}`).content.cloneNode(true);
  made.querySelector(".note > div").textContent = text;
  const box = made.querySelector(".note");
  box.dataset.said = "";
  document.getElementById("page").prepend(box);
  box.scrollIntoView({ block: "nearest" });
}

const clear = () => { for (const one of document.querySelectorAll("#page > [data-said]")) one.remove(); };

/** A key as the server makes them: milliseconds first, then chance. */
function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  let at = Date.now();
  for (let place = 5; place >= 0; place -= 1) {
    bytes[place] = at % 256;
    at = Math.floor(at / 256);
  }
  bytes[6] = 0x70 | (bytes[6] & 0x0f);
  bytes[8] = 0x80 | (bytes[8] & 0x3f);
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5");
}

/** A page that the server did not make just now holds keys that were used: each form gets its own. */
function renewKeys() {
  for (const field of document.querySelectorAll("form [name=key]")) field.value = newKey();
}

/** The form is free for the next use: empty, unsigned, with a key of its own. */
function renew(form) {
  form.reset();
  form.querySelector("[name=key]").value = newKey();
  forget(form);
  touched = false;
}

// --- a form is sent ------------------------------------------------------------------------------

function written(form, submitter) {
  const action = submitter?.getAttribute("formaction") ?? form.getAttribute("action") ?? "";
  const title = document.querySelector(".tablet h1")?.textContent.replace("‹", "").trim();
  return {
    url: new URL(action || location.href, location.href).href,
    fields: [...new FormData(form, submitter)].filter(([, value]) => !(value instanceof File) || value.size),
    signs: [...form.querySelectorAll("[data-sign]:not([data-account])")].map((box) => (
      { field: box.dataset.sign, label: box.dataset.signLabel, required: "required" in box.dataset })),
    title: title || document.title, at: Date.now(), account: say.account, state: "waiting", text: "",
  };
}

const sending = new WeakSet();

async function submit(form, submitter) {
  clear();
  const entry = written(form, submitter);
  try {
    entry.id = await put(entry);
  } catch {
    form.submit();  // this browser keeps nothing: as without this file
    return;
  }
  await send();
  const answer = answers.get(entry.id);
  if (!answer || answer.away || answer.sign_in || answer.stale || answer.foreign) {
    note("warn", frame.classList.contains("signed-out") || answer?.sign_in ? say.keptSignIn : say.kept);
    renew(form);
    return;
  }
  if (!answer.ok) await remove(entry);
  told(form, answer);
}

/** What the server said: he stands here and can mend it, or the next page tells him. */
function told(form, answer) {
  if (!answer.ok) {
    if (answer.sign) forget(form);
    for (const [kind, text] of answer.messages) note(kind, text);
    return;
  }
  sessionStorage.setItem(SAID, JSON.stringify(answer.messages));
  location.assign(answer.to);
}

/** A form that would do harm when it came late: it is sent now, or nothing of it is kept. */
async function submitNow(form, submitter) {
  clear();
  const entry = written(form, submitter);
  const now = await tablet();
  if (now === "away") {
    note("stop", form.dataset.now);
    return;
  }
  const answer = now.account === entry.account ? await post(entry, now.csrf) : { sign_in: true };
  if (answer.away) note("stop", form.dataset.unsure);
  else if (answer.sign_in || answer.stale) location.reload();
  else told(form, answer);
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  const posts = form.getAttribute("method")?.toLowerCase() === "post";
  const work = "now" in form.dataset ? submitNow : form.querySelector("[name=key]") && submit;
  if (event.defaultPrevented || !posts || !work) return;
  event.preventDefault();
  if (sending.has(form)) return;
  sending.add(form);
  form.setAttribute("aria-busy", "true");
  try {
    await work(form, event.submitter);
  } finally {
    sending.delete(form);
    form.removeAttribute("aria-busy");
    await count();
  }
});

// --- the list of what waits ----------------------------------------------------------------------

const list = document.getElementById("queue-list");
const CLOCK = new Intl.DateTimeFormat(document.documentElement.lang, { month: "numeric", day: "numeric", hour: "2-digit", minute: "2-digit", hour12: false });
const TODAY = new Intl.DateTimeFormat(document.documentElement.lang, { hour: "2-digit", minute: "2-digit", hour12: false });

/** A time of today by its clock, another with its day. */
function clock(at) {
  const then = new Date(at);
  return (then.toDateString() === new Date().toDateString() ? TODAY : CLOCK).format(then);
}

function row(entry) {
  const made = document.getElementById("queue-row").content.cloneNode(true);
  const part = (name) => made.querySelector(`[data-part=${name}]`);
  const foreign = entry.account !== say.account;
  part("title").textContent = `${clock(entry.at)} · ${entry.title}`;
  part("text").textContent = foreign ? say.foreign.replace("{who}", entry.account.split(":")[1]) : entry.text || say.willSend;
  part("sign").hidden = foreign || entry.state !== "unsigned";
  part("again").hidden = foreign || entry.state !== "refused";
  part("drop").hidden = entry.state === "waiting" && !foreign;
  part("sign").addEventListener("click", () => signLate(entry));
  part("again").addEventListener("click", () => again(entry));
  part("drop").addEventListener("click", (event) => drop(entry, event.target));
  return made;
}

async function fill(all) {
  const place = list.querySelector("[data-part=rows]");
  place.replaceChildren(...all.map(row));
  if (!all.length) list.close();
}

async function again(entry) {
  await put({ ...entry, state: "waiting", text: "" });
  await sendWaiting();
}

async function signLate(entry) {
  for (const { field, label, required } of entry.signs) {
    const person = await whoSigns(label);
    if ((!person && required) || person?.later) return;
    if (!person) continue;
    entry.fields = [...entry.fields.filter(([name]) => name !== field), [field, person.token]];
  }
  await again(entry);
}

/** Deleting asks once more, on the button itself. */
async function drop(entry, button) {
  if (button.dataset.sure === undefined) {
    button.dataset.sure = "";
    button.textContent = say.sure;
    return;
  }
  await remove(entry);
  await count();
}

badge.addEventListener("click", async () => {
  list.showModal();
  await fill(await entries());
});
list.querySelector("[data-part=close]").addEventListener("click", () => list.close());

// --- pages without a network ---------------------------------------------------------------------

const kept = document.documentElement.dataset.kept;
if (kept) {
  const line = document.getElementById("kept");
  line.textContent = say.old.replace("{at}", clock(kept));
  line.hidden = false;
  renewKeys();
}

for (const [kind, text] of JSON.parse(sessionStorage.getItem(SAID) ?? "[]")) note(kind, text);
sessionStorage.removeItem(SAID);

navigator.serviceWorker?.register("/kitchen/sw.js").then(async () => {
  const ready = await navigator.serviceWorker.ready;
  const parts = performance.getEntriesByType("resource").map((one) => one.name);
  if (!kept) ready.active.postMessage({ page: location.href, parts });
}).catch(() => {});  // an address without TLS keeps no pages; forms wait all the same

addEventListener("online", wake);
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  renewKeys();
  for (const form of document.forms) forget(form);
  sendWaiting();
});
setInterval(wake, EVERY_MS);
sendWaiting();
