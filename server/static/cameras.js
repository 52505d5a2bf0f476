// Drawing on a camera's still: zones as polygons, the place of a thing as a rectangle.
const SVG = "http://www.w3.org/2000/svg";
const CLOSE = 0.025;

function shape(svg, name, values) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(values)) made.setAttribute(key, value);
  svg.append(made);
}

function at(svg, event) {
  const box = svg.getBoundingClientRect();
  const part = (value, start, size) => Math.min(1, Math.max(0, Math.round(((value - start) / size) * 1000) / 1000));
  return [part(event.clientX, box.left, box.width), part(event.clientY, box.top, box.height)];
}

function zones(canvas) {
  const form = canvas.closest("form");
  const field = form.elements.zones;
  const svg = canvas.querySelector("svg");
  const list = form.querySelector("[data-list]");
  const rules = form.querySelector("[data-rules]");
  const button = form.querySelector("[data-new]");
  const help = form.querySelector("[data-help]");
  const found = JSON.parse(field.value);
  const begin = button?.textContent;
  let drawn = null;

  function keep() {
    field.value = JSON.stringify(found);
    svg.replaceChildren();
    found.forEach((zone, number) => shape(svg, "polygon", { points: zone.polygon.join(" "), class: `c${number % 4}` }));
    if (drawn) shape(svg, "polyline", { points: [...drawn, ...(drawn.length === 1 ? drawn : [])].join(" "), class: `c${found.length % 4}` });
  }

  function rows() {
    if (!list) return;
    list.replaceChildren(...found.map((zone, number) => {
      const row = document.createElement("div");
      row.className = `zone z${number % 4}`;
      const name = document.createElement("b");
      name.textContent = `${canvas.dataset.name} ${number + 1}`;
      row.append(name, rules.content.cloneNode(true));
      for (const box of row.querySelectorAll("input")) {
        box.checked = zone.rules.includes(box.value);
        box.addEventListener("change", () => {
          zone.rules = [...row.querySelectorAll("input:checked")].map((one) => one.value);
          keep();
        });
      }
      const drop = document.createElement("button");
      drop.type = "button";
      drop.className = "link danger";
      drop.textContent = canvas.dataset.drop;
      drop.addEventListener("click", () => { found.splice(number, 1); all(); });
      row.append(drop);
      return row;
    }));
  }

  function all() {
    keep();
    rows();
    canvas.classList.toggle("drawing", Boolean(drawn));
    if (!button) return;
    button.textContent = drawn ? button.dataset.done : begin;
    help.textContent = drawn ? help.dataset.busy : help.dataset.idle;
  }

  function finish() {
    if (drawn.length > 2) found.push({ polygon: drawn, rules: [...rules.content.querySelectorAll("input")].map((one) => one.value) });
    drawn = null;
    all();
  }

  button?.addEventListener("click", () => {
    if (drawn) finish();
    else { drawn = []; all(); }
  });
  svg.addEventListener("pointerdown", (event) => {
    if (!drawn) return;
    event.preventDefault();
    const point = at(svg, event);
    const [first] = drawn;
    if (first && drawn.length > 2 && Math.hypot(point[0] - first[0], point[1] - first[1]) < CLOSE) { finish(); return; }
    drawn.push(point);
    keep();
  });
  all();
}

function region(canvas) {
  const field = canvas.closest("form").elements.region;
  const svg = canvas.querySelector("svg");
  let start = null;

  function show() {
    svg.replaceChildren();
    const [x, y, width, height] = field.value.split(",");
    if (height) shape(svg, "rect", { x, y, width, height });
  }

  svg.addEventListener("pointerdown", (event) => {
    start = at(svg, event);
    svg.setPointerCapture(event.pointerId);
  });
  svg.addEventListener("pointermove", (event) => {
    if (!start) return;
    const end = at(svg, event);
    const low = [0, 1].map((i) => Math.min(start[i], end[i]));
    const size = [0, 1].map((i) => Math.abs(start[i] - end[i]));
    field.value = [...low, ...size].map((value) => value.toFixed(3)).join(",");
    show();
  });
  svg.addEventListener("pointerup", () => { start = null; });
  show();
}

for (const canvas of document.querySelectorAll("[data-zones]")) zones(canvas);
for (const canvas of document.querySelectorAll("[data-region]")) region(canvas);
