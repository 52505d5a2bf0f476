// The till's views, for as long as the page is open. A lost connection heals by itself.

const SILENCE_MS = 15000; // the till says something at least every five seconds
const CALM_MS = 1200; // shorter gaps than this are not worth a word
const RETRY_MS = 1500;

/** Call `onView(view)` for every view of a path, and `onLost(true|false)` when it goes and returns. */
export function follow(onView, onLost, path = "/events") {
  let source = null;
  let silence = 0;
  let calm = 0;
  let again = 0;

  const heard = () => {
    clearTimeout(silence);
    clearTimeout(calm);
    calm = 0;
    silence = setTimeout(connect, SILENCE_MS);
    onLost(false);
  };
  const failed = () => {
    if (!calm) calm = setTimeout(() => onLost(true), CALM_MS);
    source.close();
    clearTimeout(again);
    again = setTimeout(connect, RETRY_MS);
  };
  function connect() {
    source?.close();
    clearTimeout(silence);
    silence = setTimeout(failed, SILENCE_MS);
    source = new EventSource(path);
    source.onmessage = (event) => {
      heard();
      onView(JSON.parse(event.data));
    };
    source.addEventListener("beat", heard);
    source.onerror = failed;
  }
  connect();
}

let before = Promise.resolve();

/** Tell the till what a person did, one press behind the other. True: it was taken in. */
export function press(action, params = {}) {
  before = before.then(() => send(action, params));
  return before;
}

async function send(action, params) {
  try {
    const answer = await fetch("/press", {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Dafan": "kiosk" },
      body: JSON.stringify({ action, ...params }),
    });
    return answer.ok;
  } catch {
    return false; // the stream notices as well, and says so
  }
}
