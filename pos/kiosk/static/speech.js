// Sentences aloud. The till says which and makes the sound; whatever is late or fails is not said,
// because it stands on the screen.

import { outlet } from "./sounds.js";
import { currentLanguage, manner } from "./words.js";

const AGAIN_MS = 6000; // a hint that comes and goes is not said more often
let turn = 0; // whoever comes later makes what is on its way worthless
let playing = null;
let waiting = null;
let last = { key: "", at: 0 };

/** Say a sentence `after` seconds. An urgent one cuts off what is being said, another waits. */
export function say(told, after = 0) {
  if (told.urgent) hush();
  else if (told.key === last.key && performance.now() - last.at < AGAIN_MS) return;
  if (playing) waiting = told;
  else start(told, after);
}

/** Be silent. */
export function hush() {
  turn += 1;
  waiting = null;
  playing?.stop();
  playing = null;
}

async function start(told, after) {
  const mine = (turn += 1);
  last = { key: told.key, at: performance.now() };
  const language = currentLanguage();
  const out = outlet();
  if (!out || !manner().speaks.includes(language)) return;
  const begun = out.context.currentTime;
  const sound = await fetchSound(out.context, `/voice/${language}/${told.key}.wav`);
  if (!sound || mine !== turn) return;
  const source = new AudioBufferSourceNode(out.context, { buffer: sound });
  source.connect(new GainNode(out.context, { gain: out.volume })).connect(out.context.destination);
  source.onended = () => {
    if (playing !== source) return;
    const next = waiting;
    playing = waiting = null;
    if (next) start(next, 0);
  };
  playing = source;
  source.start(Math.max(out.context.currentTime, begun + after));
}

async function fetchSound(context, path) {
  try {
    const answer = await fetch(path);
    return answer.status === 200 ? await context.decodeAudioData(await answer.arrayBuffer()) : null;
  } catch {
    return null;
  }
}
