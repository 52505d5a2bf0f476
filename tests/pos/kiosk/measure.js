// What is wrong with the screen: a list of faults, empty when there are none.
(limits) => {
  const faults = [];
  const name = (e) => `${e.tagName.toLowerCase()}.${e.className} "${e.textContent.slice(0, 24)}"`;
  const seen = (e) => e.checkVisibility() && !e.closest(".unseen");
  const scrolled = (e) => e.closest(".tiles, .chosen-lines");
  const ownText = (e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
  const parts = (colour) => colour.match(/[\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = (e) => {
    const layers = [];
    for (let at = e; at; at = at.parentElement) {
      const [r, g, b, a = 1] = parts(getComputedStyle(at).backgroundColor);
      layers.push([r, g, b, a]);
      if (a === 1) break;
    }
    return layers.reverse().reduce((under, [r, g, b, a]) => [r, g, b].map((v, i) => v * a + under[i] * (1 - a)), [255, 255, 255]);
  };

  const footer = document.querySelector("footer").getBoundingClientRect();
  const main = document.querySelector("main").getBoundingClientRect();
  if (document.documentElement.scrollWidth > innerWidth) faults.push("the page is wider than the screen");
  if (main.bottom > footer.top + 1) faults.push("main runs under the footer");
  if (footer.bottom > innerHeight + 1) faults.push("the footer leaves the screen");
  for (const e of document.querySelectorAll("#kiosk *")) {
    if (!seen(e) || e.closest("svg")) continue;
    const box = e.getBoundingClientRect();
    const style = getComputedStyle(e);
    const size = parseFloat(style.fontSize);
    if (e.matches("button") && (box.width < limits.button - 0.5 || box.height < limits.button - 0.5)) {
      faults.push(`${name(e)} is only ${Math.round(box.width)} × ${Math.round(box.height)}`);
    }
    if (limits.low && e.matches("button") && !scrolled(e) && box.top < innerHeight / 2 - 1) {
      faults.push(`${name(e)} is at ${Math.round(box.top)} of ${innerHeight}`);
    }
    if (e.matches(".amount") && size < limits.amount) faults.push(`the amount is only ${size}px`);
    if (!ownText(e)) continue;
    if (size < limits.text - 0.01) faults.push(`${name(e)} is only ${size}px`);
    const [front, back] = [luminance(parts(style.color)), luminance(behind(e))];
    const contrast = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
    if (contrast < (limits.contrast ?? 4.5)) faults.push(`${name(e)} has a contrast of ${contrast.toFixed(2)}`);
    const tile = e.closest(".tile, .item")?.getBoundingClientRect();
    if (tile && (box.left < tile.left - 1 || box.right > tile.right + 1)) faults.push(`${name(e)} is wider than its tile`);
    const owner = e.closest(".portion")?.getBoundingClientRect();
    if (owner && (box.left < owner.left || box.right > owner.right)) faults.push(`${name(e)} is wider than its button`);
    if (scrolled(e)) continue;
    const cut = e.scrollWidth > e.clientWidth + 1 && style.display !== "inline";
    if (cut && style.textOverflow !== "ellipsis") faults.push(`${name(e)} is cut or spills over`);
    if (box.left < -1 || box.right > innerWidth + 1 || box.top < -1 || box.bottom > innerHeight + 1) faults.push(`${name(e)} leaves the screen`);
    if (e.closest("main") && box.bottom > footer.top + 1) faults.push(`${name(e)} runs under the footer`);
    if (e.closest("button") && style.display !== "inline") {
      const button = e.closest("button").getBoundingClientRect();
      if (box.left < button.left - 1 || box.right > button.right + 1 || box.height > button.height + 1) faults.push(`${name(e)} is larger than its button`);
    }
  }
  const boxes = [...document.querySelector("main").children].filter(seen).map((e) => [e, e.getBoundingClientRect()]);
  for (const [a, x] of boxes) {
    for (const [b, y] of boxes) {
      const over = Math.min(x.right, y.right) - Math.max(x.left, y.left) > 1 && Math.min(x.bottom, y.bottom) - Math.max(x.top, y.top) > 1;
      if (a !== b && over && a.compareDocumentPosition(b) & 4) faults.push(`${name(a)} lies over ${name(b)}`);
    }
  }
  const top = document.querySelector("header").getBoundingClientRect().bottom;
  for (const [e, box] of boxes) if (box.top < top - 1) faults.push(`${name(e)} runs under the header`);
  return faults;
}
