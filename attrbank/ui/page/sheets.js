// A strip or a grid of what is set.

import { ask } from "./api.js";
import { $, say, trying } from "./dom.js";
import { state, wish } from "./state.js";

const SEEDS = "seeds", NOTHING = "nothing";

export function showAxes() {
  const turned = [...state.attributes.values()].filter(one => one.strength && !one.id).map(one => one.name);
  const names = [...new Set([...turned, ...state.known.map(known => known.name)])];
  fill($("sheet-x"), names);
  fill($("sheet-y"), [NOTHING, SEEDS, ...names], turned[1] ?? NOTHING);
}

function fill(select, names, usual = names[0]) {
  const chosen = select.dataset.chosen;
  select.replaceChildren(...names.map(name => new Option(name)));
  select.value = names.includes(chosen) ? chosen : usual;
}
for (const id of ["sheet-x", "sheet-y"]) $(id).addEventListener("change", () => { $(id).dataset.chosen = $(id).value; });

function axis(name, count) {
  if (name === NOTHING) return null;
  const seed = BigInt(state.picture.seed ?? 0);
  if (name === SEEDS) return `seed=${seed}-${seed + 2n}`;
  const known = state.known.find(one => one.name === name);
  return `${name}=${Math.min(0, known.low)}:${Math.min(known.high, 1)}:${count}`;
}

$("sheet-tools").addEventListener("toggle", showAxes);
$("sheet-form").addEventListener("submit", event => {
  event.preventDefault();
  const x = axis($("sheet-x").value, 5), y = axis($("sheet-y").value, 3);
  say("Drawing the sheet …");
  trying(async () => {
    const url = URL.createObjectURL(await (await ask("/api/sheet", { x, y, wish: wish() })).blob());
    URL.revokeObjectURL($("sheet").src);
    Object.assign($("sheet"), { src: url, hidden: false, alt: y ? `A grid of ${x} and ${y}` : `A strip of ${x}` });
    Object.assign($("sheet-save"), { href: url, hidden: false, download: y ? "grid.png" : "strip.png" });
    say("");
  });
});
