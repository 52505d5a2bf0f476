// The API's page: what is typed leaves only what says it. Without this file all of it stands there.
const form = document.querySelector("[data-find]");
const field = form.querySelector("input");
const count = form.querySelector("[role=status]");
const said = [...document.querySelectorAll("[data-said]")];
const entries = new Map([...document.querySelectorAll("[data-for]")].map((one) => [one.dataset.for, one]));
const groups = document.querySelectorAll("[data-group]");

/** Show what has all the words that were typed, and of each group only what is left of it. */
function find() {
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  let left = 0;
  for (const one of said) {
    const text = one.dataset.said.toLowerCase();
    one.hidden = !words.every((word) => text.includes(word));
    if (entries.has(one.id)) entries.get(one.id).hidden = one.hidden;
    left += !one.hidden;
  }
  for (const group of groups) {
    const own = [...group.querySelectorAll("[data-said], [data-for]")];
    group.hidden = own.length > 0 && own.every((one) => one.hidden);
  }
  count.textContent = !words.length ? "" : left ? count.dataset.some.replace("{n}", left) : count.dataset.none;
}

/** What the address names is opened, also where it was folded. */
function open() {
  const named = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (named instanceof HTMLDetailsElement) named.open = true;
}

field.addEventListener("input", find);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const first = said.find((one) => !one.hidden);
  if (!first) return;
  location.hash = first.id;
  first.scrollIntoView();
  first.focus({ preventScroll: true });
});
addEventListener("hashchange", open);
form.hidden = false;
// On a phone the index would stand before everything: there it is folded until it is wanted.
if (matchMedia("(max-width: 1000px)").matches) form.parentElement.querySelector("details").open = false;
open();
