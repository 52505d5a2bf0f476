// Short soft tones. A browser may hold sound back until the first touch; nothing depends on it.

const TONES = {
  paid: [[659, 0, 0.14], [988, 0.12, 0.3]],
  confirm: [[587, 0, 0.1]],
  warn: [[440, 0, 0.16], [440, 0.22, 0.16]],
  stop: [[330, 0, 0.2], [262, 0.22, 0.34]],
  touch: [[880, 0, 0.03]],
};
const LOUDEST = 0.28;
let context = null;
let volume = 0.8;
let muted = localStorage.getItem("muted") === "1";

export const isMuted = () => muted;

export function setMuted(next) {
  muted = next;
  localStorage.setItem("muted", next ? "1" : "0");
}

/** Percent of the loudest, as the till says for this hour. */
export function setVolume(percent) {
  volume = percent / 100;
}

/** Where sound goes and how loud; null while there is to be none. */
export function outlet() {
  if (muted || volume === 0) return null;
  context ??= new AudioContext();
  if (context.state === "suspended") context.resume().catch(() => {});
  return { context, volume };
}

/** Play a tone; returns how many seconds it takes. */
export function play(name) {
  const out = outlet();
  if (!out || !TONES[name]) return 0;
  for (const [hertz, after, length] of TONES[name]) tone(hertz, context.currentTime + after, length);
  const [, after, length] = TONES[name].at(-1);
  return after + length;
}

function tone(hertz, start, length) {
  const voice = new OscillatorNode(context, { frequency: hertz, type: "sine" });
  const gain = new GainNode(context, { gain: 0 });
  gain.gain.setValueAtTime(0, start);
  gain.gain.linearRampToValueAtTime(LOUDEST * volume, start + 0.012);
  gain.gain.exponentialRampToValueAtTime(0.001, start + length);
  voice.connect(gain).connect(context.destination);
  voice.start(start);
  voice.stop(start + length);
}
