// The round picture: one still after another while a circle is on the screen, none otherwise.

const PAUSE_MS = 60;
const MISSING_MS = 500;

/** Keep the canvas of the circle moving; without a picture the silhouette behind it shows. */
export function watchCamera() {
  const still = new Image();
  let number = 0;

  function load() {
    if (circle() && !document.hidden) still.src = `/camera.jpg?n=${(number += 1)}`;
    else setTimeout(load, PAUSE_MS);
  }
  still.onload = () => {
    draw(circle(), still);
    setTimeout(load, PAUSE_MS);
  };
  still.onerror = () => {
    circle()?.setAttribute("hidden", "");
    setTimeout(load, MISSING_MS);
  };
  load();
}

const circle = () => document.querySelector("canvas[data-live=camera]");

function draw(canvas, picture) {
  if (!canvas) return;
  if (canvas.width !== picture.naturalWidth || canvas.height !== picture.naturalHeight) {
    canvas.width = picture.naturalWidth;
    canvas.height = picture.naturalHeight;
  }
  canvas.getContext("2d").drawImage(picture, 0, 0);
  canvas.removeAttribute("hidden");
}
