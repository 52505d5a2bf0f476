// Draws the charts of a report. Without it, or without Plotly, the tables stand there.

const quiet = { displayModeBar: false, responsive: true, showTips: false };
const drawn = [];

for (const place of document.querySelectorAll("[data-figure]")) {
  const table = place.parentElement.querySelector("details.waits");
  const told = JSON.parse(place.dataset.figure);
  try {
    await globalThis.Plotly.newPlot(place, told.data, told.layout, quiet);
  } catch {
    place.classList.add("failed");
    table?.classList.remove("waits");
    continue;
  }
  drawn.push(place);
  place.on("plotly_click", (event) => {
    const address = event.points[0]?.customdata;
    if (address) location.href = address;
  });
  if (table) {
    table.open = false;
    table.classList.remove("waits");
  }
}

// On paper every table is open and every chart is as wide as the sheet.
let opened = [];
addEventListener("beforeprint", () => {
  opened = [...document.querySelectorAll("details.data:not([open])")];
  for (const one of opened) one.open = true;
  for (const place of drawn) globalThis.Plotly.relayout(place, { width: 680, autosize: false });
});
addEventListener("afterprint", () => {
  for (const one of opened) one.open = false;
  for (const place of drawn) globalThis.Plotly.relayout(place, { width: null, autosize: true });
});
