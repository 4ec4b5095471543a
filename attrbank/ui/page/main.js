// Puts the page together: the model, the rooms, and what one room tells another.

import { json } from "./api.js";
import { $, calm, options, trouble, trying } from "./dom.js";
import { onModelOfPicture, showControls, showDevices, showSamplers } from "./controls.js";
import { onExact, want } from "./draw.js";
import { highlight, onChanged, onUse, showGallery } from "./gallery.js";
import { onLearned, resume } from "./learn.js";
import { showAxes } from "./sheets.js";
import { showSliders } from "./sliders.js";
import { keep, keyOf, recall, set, state } from "./state.js";

let defaults = null, loading = 0;

const modelQuery = name => new URLSearchParams({ backbone: name, ...(state.device ? { device: state.device } : {}) });

async function choose(name, again = false) {
  const mine = ++loading;
  state.backbone = name;
  $("model").value = name;
  calm();
  for (let query = again ? "&again=1" : ""; mine === loading; query = "") {
    const model = await json(`/api/model?${modelQuery(name)}${query}`);
    if (mine !== loading) return;
    const waiting = model.state === "loading";
    $("loading").hidden = !waiting;
    $("loading").querySelector("span").textContent = `Loading ${name} … ${Math.round(model.seconds)} s`;
    if (model.attributes && (!waiting || !state.known.length || defaults !== model.backbone)) know(model);
    if (model.state === "failed") return trouble(model.error, () => trying(() => choose(name, true)));
    if (!waiting) { if (state.known.length) want("exact"); return; }
    await new Promise(wake => setTimeout(wake, 400));
  }
}

function know(model) {
  defaults = model.backbone;
  state.known = model.attributes.filter(one => !one.related || state.picture.force);
  state.related = model.attributes.filter(one => one.related);
  const waiting = state.related.length && !state.picture.force;
  Object.assign($("related"), { hidden: !waiting, textContent: `Try ${state.related.length} learned on a related model` });
  const prompts = state.known.flatMap(one => one.pair ? [one.pair.source, one.pair.target] : []);
  options($("prompts"), [...new Set(prompts)]);
  $("words").hidden = !model.words;
  $("words").querySelector("p").textContent = model.words?.join(", ");
  showControls(model.defaults);
  showSliders();
  showAxes();
}

async function refresh() {
  const model = await json(`/api/model?${modelQuery(state.backbone)}`);
  if (model.attributes) know(model);
}

$("model-form").addEventListener("submit", event => { event.preventDefault(); $("model").blur(); });
$("model").addEventListener("change", () => {
  state.attributes.clear();
  state.picture = {};
  state.known = [];
  trying(() => choose($("model").value.trim()));
});

$("related").addEventListener("click", () => { state.picture.force = true; keep(); trying(async () => { await refresh(); want("exact"); }); });
$("device").addEventListener("change", () => { state.device = $("device").value || null; keep(); trying(() => choose(state.backbone)); });

const rooms = ["studio", "learn", "gallery"];
function room() {
  const here = rooms.includes(location.hash.slice(1)) ? location.hash.slice(1) : "studio";
  for (const name of rooms) {
    $(name).hidden = name !== here;
    const link = document.querySelector(`nav a[href="#${name}"]`);
    if (name === here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (here === "gallery") showGallery();
  scrollTo(0, 0);
}
addEventListener("hashchange", room);

onExact(showAxes);
onExact(answer => { for (const [id, field] of [["steps", "steps"], ["guidance", "guidance_scale"], ["sampler", "sampler"]]) $(id).value = answer[field]; });
onModelOfPicture(name => trying(() => choose(name)));
onLearned(async news => { highlight(news.id); await refresh(); if (state.known.length === 1) want("exact"); });
onChanged(refresh);
onUse(one => {
  const attribute = { name: one.name };
  set(attribute, state.attributes.get(keyOf(attribute))?.strength || Math.min(0.7, one.high));
  keep();
  location.hash = "#studio";
  showSliders();
  want("exact");
});

recall();
room();
trying(async () => {
  const start = await json("/api/start");
  options($("models"), start.backbones);
  showSamplers(start.samplers);
  showDevices(start.devices);
  resume();
  await choose(state.backbone ?? start.backbone);
});
