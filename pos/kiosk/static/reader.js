// Card and code readers that type like a keyboard: characters closer together than any hand
// types them, ended by Enter. Single slow keys are a person's.

const GAP_MS = 50;
const SHORTEST = 4;

/** Call `onCard(number)` for what a reader typed, `onKey(key)` for a key that a person pressed. */
export function listen(onCard, onKey) {
  let typed = "";
  let last = 0;
  let alone = 0;

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    clearTimeout(alone);
    if (event.timeStamp - last > GAP_MS) typed = "";
    last = event.timeStamp; // the moment of the key, however late this page gets round to it
    if (event.key === "Enter") {
      if (typed.length >= SHORTEST) {
        event.preventDefault(); // or a focused button would be pressed
        onCard(typed);
      }
      typed = "";
    } else if (event.key.length === 1) {
      typed += event.key;
      if (typed.length > 1) event.preventDefault();
      else alone = setTimeout(onKey, GAP_MS + 10, event.key);
    } else if (event.key === "Backspace") {
      onKey(event.key);
    }
  });
}
