// Prompt, seed, sampling, and pictures that are dropped or opened.

import { json } from "./api.js";
import { $, options, say, trying } from "./dom.js";
import { onExact, want } from "./draw.js";
import { showSliders } from "./sliders.js";
import { clearMask } from "./stage.js";
import { put, state } from "./state.js";

const FIELDS = [["prompt", "prompt"], ["seed", "seed"], ["sampler", "sampler"], ["steps", "steps"], ["guidance", "guidance_scale"],
  ["negative", "negative_prompt"]];
const NUMBERS = new Set(["seed", "steps", "guidance"]);

export function showControls(defaults) {
  for (const [id, field] of FIELDS) $(id).value = state.picture[field] ?? (field === "seed" ? 0 : defaults?.[field] ?? "");
  $("photo").hidden = !state.photo;
  $("photo").querySelector("span").textContent = state.photo ? `Editing ${state.photo}` : "";
}

for (const [id, field] of FIELDS) {
  $(id).addEventListener("change", () => {
    const number = $(id).valueAsNumber, exact = Number.isSafeInteger(number) || !Number.isInteger(number);
    const value = NUMBERS.has(id) && exact ? number : $(id).value;
    if (value === "" && field !== "prompt" || Number.isNaN(value)) delete state.picture[field];
    else state.picture[field] = value;
    want("exact");
  });
}
$("picture-form").addEventListener("submit", event => { event.preventDefault(); document.activeElement.blur(); });

$("dice").addEventListener("click", () => {
  $("seed").value = state.picture.seed = Math.floor(Math.random() * 100000);
  want("exact");
});

onExact(answer => { if (!$("prompt").value && document.activeElement !== $("prompt")) $("prompt").placeholder = answer.prompt; });

export let chosen = () => {};
export function onModelOfPicture(listener) { chosen = listener; }

export async function drop(file) {
  say(`Reading ${file.name} …`);
  const taken = await trying(() => json(`/api/pictures?name=${encodeURIComponent(file.name)}`, file));
  if (!taken) return say("");
  if (taken.wish) {
    const model = state.backbone;
    put(taken.wish, taken.wish.image ? file.name : null);
    say(`The controls are as they were for ${file.name}.`);
    if (model !== state.backbone) return chosen(state.backbone);
  } else {
    clearMask();
    state.picture.image = taken.image;
    state.photo = taken.name;
    say("");
  }
  showControls();
  showSliders();
  want("exact");
  return undefined;
}

$("file").addEventListener("change", () => { const [file] = $("file").files; $("file").value = ""; if (file) drop(file); });
$("no-photo").addEventListener("click", () => {
  clearMask();
  delete state.picture.image;
  delete state.picture.inversion;
  state.photo = null;
  showControls();
  want("exact");
});

const stage = $("compare");
document.addEventListener("dragover", event => { event.preventDefault(); stage.classList.add("dropping"); });
document.addEventListener("dragleave", event => { if (!event.relatedTarget) stage.classList.remove("dropping"); });
document.addEventListener("drop", event => {
  event.preventDefault();
  stage.classList.remove("dropping");
  const [file] = event.dataTransfer.files;
  if (file) drop(file);
});

export function showSamplers(names) { options($("sampler"), names); }

export function showDevices(names) {
  $("device").replaceChildren(new Option("as usual", ""), ...names.map(name => new Option(name)));
  state.device = names.includes(state.device) ? state.device : null;
  $("device").value = state.device ?? "";
  $("device-choice").hidden = names.length < 2;
}
