// Build a picture of elements, then bring the page to it without replacing what stays: a button
// keeps its focus and a running animation runs on while the till sends ten views a second.

const SVG_TAGS = new Set(["svg", "path", "circle", "rect", "g", "line", "polygon", "ellipse"]);

/** An element. Children that are null or false are left out; text is always text, never markup. */
export function h(tag, attributes = {}, ...children) {
  const element = SVG_TAGS.has(tag)
    ? document.createElementNS("http://www.w3.org/2000/svg", tag)
    : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  element.append(...children.flat(2).filter((child) => child !== null && child !== false));
  return element;
}

/** Make `old` equal to `next`. Elements with data-live keep what other modules do inside them. */
export function morph(old, next) {
  const other = old.nodeType !== next.nodeType || old.nodeName !== next.nodeName
    || old.dataset?.key !== next.dataset?.key;
  if (other) {
    old.replaceWith(next);
    return;
  }
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== next.data) old.data = next.data;
    return;
  }
  if (old.dataset.live !== undefined && old.dataset.live === next.dataset.live) return;
  morphAttributes(old, next);
  const before = [...old.childNodes];
  const after = [...next.childNodes];
  after.forEach((child, i) => (before[i] ? morph(before[i], child) : old.append(child)));
  before.slice(after.length).forEach((child) => child.remove());
}

function morphAttributes(old, next) {
  for (const { name } of [...old.attributes]) {
    if (!next.hasAttribute(name)) old.removeAttribute(name);
  }
  for (const { name, value } of next.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
}
