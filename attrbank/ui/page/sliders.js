// One slider for every attribute that can act on the model.

import { $ } from "./dom.js";
import { want } from "./draw.js";
import { keyOf, set, state } from "./state.js";

const list = $("sliders"), template = $("slider");

export function showSliders() {
  const extra = [...state.attributes.values()].filter(one => one.id && one.strength !== 0);
  const unknown = extra.map(one => ({ name: one.name, id: one.id, low: -1, high: 1, earlier: true }));
  const rows = [...state.known.map(known => row(known, { name: known.name })), ...unknown.map(one => row(one, { name: one.name, id: one.id }))];
  list.replaceChildren(...rows);
  $("no-sliders").hidden = rows.length > 0 || !state.backbone;
  filter();
}

function row(known, attribute) {
  const item = template.content.cloneNode(true).firstElementChild;
  const key = keyOf(attribute), id = `slider-${key.replace(/[^a-z0-9_-]/g, "-")}`;
  const [range, number] = [item.querySelector("[type=range]"), item.querySelector("[type=number]")];
  const label = item.querySelector("label"), strength = state.attributes.get(key)?.strength ?? 0;
  Object.assign(item.dataset, { name: known.name, words: [known.name, ...(known.tags ?? []), known.pair?.source ?? "", known.pair?.target ?? ""].join(" ").toLowerCase() });
  Object.assign(label, { textContent: known.name, htmlFor: id });
  item.querySelector(".soft").textContent = known.earlier ? `version ${known.id.slice(0, 12)}` : "";
  Object.assign(range, { id, min: Math.min(known.low, 0), max: known.high, value: strength });
  Object.assign(number, { value: strength, ariaLabel: `${known.name}, strength as a number` });
  if (known.pair) label.title = `from “${known.pair.source}” to “${known.pair.target}”`;
  const picture = item.querySelector("img");
  if (known.preview) Object.assign(picture, { src: `/api/previews/${known.id}`, alt: "" });
  else picture.remove();
  item.classList.toggle("on", strength !== 0);
  fill(range);

  function turn(value, kind) {
    if (!Number.isFinite(value)) return;
    set(attribute, value);
    item.classList.toggle("on", value !== 0);
    fill(range);
    want(kind);
  }
  range.addEventListener("input", () => { number.value = range.value; turn(range.valueAsNumber, "draft"); });
  range.addEventListener("change", () => turn(range.valueAsNumber, "exact"));
  range.addEventListener("dblclick", () => { range.value = number.value = 0; turn(0, "exact"); });
  number.addEventListener("change", () => { range.value = number.value || 0; turn(number.valueAsNumber || 0, "exact"); });
  return item;
}

// Browsers fill a slider from its left end; ours are filled from 0, so that one at 0 is empty.
function fill(range) {
  const share = value => (value - range.min) / (range.max - range.min);
  range.style.setProperty("--zero", share(0));
  range.style.setProperty("--at", share(range.valueAsNumber));
}

function filter() {
  const words = $("slider-search").value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const item of list.children) item.hidden = !words.every(word => item.dataset.words.includes(word));
}
$("slider-search").addEventListener("input", filter);

$("reset").addEventListener("click", () => {
  state.attributes.clear();
  showSliders();
  want("exact");
});
