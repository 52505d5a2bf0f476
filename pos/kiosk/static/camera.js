// The round picture: one still after another while a circle is on the screen, none otherwise.
// Where a face is about to pay, the picture that was recognised stands in the circle instead.

const PAUSE_MS = 60;
const MISSING_MS = 500;
const CLOSE = 0.72; // of the shorter side: the face without what is around it

/** Keep the canvas of the circle moving; without a picture the silhouette behind it shows. */
export function watchCamera() {
  const still = new Image();
  let number = 0;
  let asked = "";
  let payer = "unknown"; // then "shown" or "none", until somebody else stands here

  function load() {
    if (!paying()) payer = "unknown";
    if (!circle() || document.hidden || payer === "shown") {
      setTimeout(load, PAUSE_MS);
      return;
    }
    asked = paying() && payer === "unknown" ? "payer" : "camera";
    still.src = `/${asked}.jpg?n=${(number += 1)}`;
  }
  still.onload = () => {
    if (asked === "camera") draw(circle(), still);
    else if (paying()) {
      drawFace(circle(), still);
      payer = "shown";
    }
    setTimeout(load, PAUSE_MS);
  };
  still.onerror = () => {
    if (asked === "payer") {
      payer = "none";
      setTimeout(load, 0);
      return;
    }
    circle()?.setAttribute("hidden", "");
    setTimeout(load, MISSING_MS);
  };
  load();
}

const circle = () => document.querySelector("canvas[data-live=camera]");
const paying = () => Boolean(document.querySelector(".circle[data-payer]"));

function draw(canvas, picture) {
  if (!canvas) return;
  const { naturalWidth: width, naturalHeight: height } = picture;
  resize(canvas, width, height).drawImage(picture, 0, 0);
}

/** The middle of the picture, mirrored as the camera's is. */
function drawFace(canvas, picture) {
  const { naturalWidth: width, naturalHeight: height } = picture;
  const side = CLOSE * Math.min(width, height);
  const pen = resize(canvas, side, side);
  pen.setTransform(-1, 0, 0, 1, canvas.width, 0);
  pen.drawImage(picture, (width - side) / 2, (height - side) / 2, side, side, 0, 0, canvas.width, canvas.height);
}

function resize(canvas, width, height) {
  if (canvas.width !== Math.round(width)) canvas.width = Math.round(width);
  if (canvas.height !== Math.round(height)) canvas.height = Math.round(height);
  canvas.removeAttribute("hidden");
  const pen = canvas.getContext("2d");
  pen.resetTransform();
  return pen;
}
