// Short soft tones. A browser may hold sound back until the first touch; nothing depends on it.

const TONES = {
  paid: [[659, 0, 0.14], [988, 0.12, 0.3]],
  confirm: [[587, 0, 0.1]],
  warn: [[440, 0, 0.16], [440, 0.22, 0.16]],
  stop: [[330, 0, 0.2], [262, 0.22, 0.34]],
  touch: [[880, 0, 0.03]],
};
let context = null;
let muted = localStorage.getItem("muted") === "1";

export const isMuted = () => muted;

export function setMuted(next) {
  muted = next;
  localStorage.setItem("muted", next ? "1" : "0");
}

export function play(name) {
  if (muted || !TONES[name]) return;
  context ??= new AudioContext();
  if (context.state === "suspended") context.resume().catch(() => {});
  for (const [hertz, after, length] of TONES[name]) tone(hertz, context.currentTime + after, length);
}

function tone(hertz, start, length) {
  const voice = new OscillatorNode(context, { frequency: hertz, type: "sine" });
  const volume = new GainNode(context, { gain: 0 });
  volume.gain.setValueAtTime(0, start);
  volume.gain.linearRampToValueAtTime(0.22, start + 0.012);
  volume.gain.exponentialRampToValueAtTime(0.001, start + length);
  voice.connect(volume).connect(context.destination);
  voice.start(start);
  voice.stop(start + length);
}
