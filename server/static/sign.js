// Who signs at a tablet that many hands share: work number and PIN, or the face before the camera.
// When somebody has signed, the box `data-sign` sends the event `signed`, with
// {field, name, post, worker, token} in its detail. Without this file a form is refused politely.
import { pad } from "./pad.js";

const FRAMES = 4;
const BETWEEN_MS = 300;
const TRIES = 3;
const SIDE = 640;
const WHO = "/kitchen/who";
const wait = (ms) => new Promise((done) => { setTimeout(done, ms); });

/** The dialog in which a person says who he is. */
class Asking {
  constructor(label, refusal) {
    this.refusal = refusal;
    const made = document.getElementById("who").content.cloneNode(true);
    this.dialog = made.querySelector("dialog");
    this.say = this.dialog.dataset;
    this.text = this.dialog.querySelector("[data-text]");
    this.video = this.dialog.querySelector("video");
    [this.number, this.pin] = this.dialog.querySelectorAll("input");
    this.active = this.number;
    this.face = "";
    this.dialog.querySelector("h2").textContent = label;
    document.body.append(this.dialog);
    this.prepare();
  }

  part(name) { return this.dialog.querySelector(`[data-part=${name}]`); }

  prepare() {
    for (const field of [this.number, this.pin]) {
      field.inputMode = "none";
      field.addEventListener("focus", () => { this.active = field; });
      field.addEventListener("pad", () => this.typed());
      field.addEventListener("input", () => this.typed());
    }
    const keys = pad([..."1234567890"], () => this.active);
    this.part("pad").append(keys);
    this.part("letters").addEventListener("click", () => {
      this.number.inputMode = "text";
      this.number.focus();
    });
    this.dialog.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.byNumber();
    });
    this.part("cancel").addEventListener("click", () => this.end(null));
    this.part("later").addEventListener("click", () => this.end({ later: true }));
    this.part("look").addEventListener("click", () => this.byFace());
    this.part("look").hidden = !navigator.mediaDevices?.getUserMedia;
    this.dialog.addEventListener("cancel", (event) => { event.preventDefault(); this.end(null); });
  }

  /** Opens the dialog; resolves to the signer, to {later} or, cancelled, to null. */
  ask() {
    this.dialog.showModal();
    if (!navigator.onLine) this.away();
    this.number.focus();
    return new Promise((done) => { this.done = done; });
  }

  end(answer) {
    this.closed = true;
    this.stopCamera();
    this.dialog.close();
    this.dialog.remove();
    this.done(answer);
  }

  tell(text) {
    this.text.textContent = text;
    this.text.hidden = !text;
  }

  /** Nobody can be asked who he is: the form is kept, and he signs when the network is back;
      a form that must not come late is refused in its own words. */
  away() {
    this.tell(this.refusal || this.say.away);
    this.part("later").hidden = Boolean(this.refusal);
  }

  typed() {
    if (this.active === this.pin && this.pin.value.length === 6) this.byNumber();
  }

  async byNumber() {
    if (this.busy) return;
    if (!this.face && !this.number.value) { this.number.focus(); return; }
    if (this.pin.value.length !== 6) { this.pin.focus(); return; }
    const sent = new FormData();
    sent.set(this.face ? "face" : "number", this.face || this.number.value);
    sent.set("pin", this.pin.value);
    const answer = await this.send(sent);
    this.pin.value = "";
    if (answer && !answer.ok) this.pin.focus();
  }

  /** Send what was typed or seen; what to do next is told, or the dialog ends. */
  async send(sent) {
    this.busy = true;
    this.tell(this.say.busy);
    try {
      const known = await fetch(WHO, { redirect: "manual" });
      if (!known.ok) {
        this.tell(this.say.signIn);
        return null;
      }
      const { csrf } = await known.json();
      const reply = await fetch(WHO, { method: "POST", body: sent, headers: { "X-CSRFToken": csrf } });
      const answer = await reply.json();
      if (answer.ok) this.end(answer);
      else this.tell(answer.text);
      return answer;
    } catch {
      this.away();
      return null;
    } finally {
      this.busy = false;
    }
  }

  async byFace() {
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({
        audio: false, video: { facingMode: "user", width: { ideal: SIDE }, height: { ideal: 480 } },
      });
    } catch {
      this.tell(this.say.noCamera);
      return;
    }
    this.dialog.classList.add("looks");
    this.video.srcObject = this.stream;
    await this.video.play();
    for (let turn = 0; turn < TRIES && !this.closed; turn += 1) {
      const answer = await this.send(await this.frames());
      if (answer === null || answer.ok) break;
      if (answer.face) { this.askPin(answer.face); break; }
      if (!answer.again) break;
    }
    this.stopCamera();
    this.dialog.classList.remove("looks");
  }

  async frames() {
    const canvas = document.createElement("canvas");
    const scale = Math.min(1, SIDE / Math.max(this.video.videoWidth, this.video.videoHeight));
    canvas.width = Math.round(this.video.videoWidth * scale);
    canvas.height = Math.round(this.video.videoHeight * scale);
    const sent = new FormData();
    for (let frame = 0; frame < FRAMES; frame += 1) {
      await wait(BETWEEN_MS);
      canvas.getContext("2d").drawImage(this.video, 0, 0, canvas.width, canvas.height);
      const jpeg = await new Promise((done) => { canvas.toBlob(done, "image/jpeg", 0.92); });
      sent.append("photo", jpeg, "look.jpg");
    }
    return sent;
  }

  /** The face alone does not prove it: the PIN is asked for as well. */
  askPin(face) {
    this.face = face;
    this.number.closest("label").hidden = true;
    this.part("letters").hidden = true;
    this.active = this.pin;
    this.pin.focus();
  }

  stopCamera() {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
  }
}

/** Ask who signs; resolves as `Asking.ask`. With a `refusal` nobody may sign later. */
export function whoSigns(label, refusal = "") {
  return new Asking(label, refusal).ask();
}

function show(box, person) {
  box.classList.toggle("signed", person !== null);
  box.querySelector("input").value = person?.token ?? "";
  box.querySelector("[data-name]").textContent = person ? `${person.name} · ${person.post}` : "";
  delete box.dataset.later;
  clearTimeout(box.over);
  if (!person) return;
  box.over = setTimeout(() => show(box, null), person.seconds * 1000);
  const { name, post, worker, token } = person;
  const detail = { field: box.dataset.sign, name, post, worker, token };
  box.dispatchEvent(new CustomEvent("signed", { bubbles: true, detail }));
}

/** Let a person sign a box; says whether somebody did, or will when the network is back. */
async function sign(box) {
  const answer = await whoSigns(box.dataset.signLabel, box.closest("form")?.dataset.now);
  if (answer === null) return false;
  if (answer.later) {
    box.dataset.later = "1";
    return true;
  }
  show(box, answer);
  return true;
}

/** The next person signs anew. */
export function forget(form) {
  for (const box of form.querySelectorAll("[data-sign]:not([data-account])")) show(box, null);
}

for (const button of document.querySelectorAll("[data-sign] button")) button.disabled = false;

document.addEventListener("click", (event) => {
  const press = event.target.closest("[data-sign] button");
  if (press) sign(press.closest("[data-sign]"));
});

// Whoever forgot to sign is asked when he sends the form.
document.addEventListener("submit", async (event) => {
  const form = event.target;
  const open = [...form.querySelectorAll("[data-sign][data-required]:not([data-later])")]
    .find((box) => !box.querySelector("input").value);
  if (!open) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  if (await sign(open)) form.requestSubmit(event.submitter);
}, { capture: true });
