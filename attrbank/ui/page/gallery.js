// The bank: search, tags, names, the trash.

import { json } from "./api.js";
import { $, copy, debounced, trying } from "./dom.js";

const template = $("exhibit"), chosenTags = new Set();
let use = () => {}, changed = () => {}, fresh = null;
export function onUse(listener) { use = listener; }
export function onChanged(listener) { changed = listener; }
export function highlight(id) { fresh = id; }

export async function showGallery() {
  const words = encodeURIComponent($("gallery-search").value);
  const found = await trying(() => json(`/api/bank?words=${words}`));
  if (!found) return;
  showTags(found);
  const picked = found.filter(one => [...chosenTags].every(tag => one.tags.includes(tag)));
  $("gallery-count").textContent = `${picked.length} attribute${picked.length === 1 ? "" : "s"}`;
  $("exhibits").replaceChildren(...picked.map(exhibit));
}

function showTags(found) {
  const tags = [...new Set([...found.flatMap(one => one.tags), ...chosenTags])].sort();
  $("gallery-tags").replaceChildren(...tags.map(tag => {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: tag, ariaPressed: String(chosenTags.has(tag)) });
    button.addEventListener("click", () => { chosenTags.has(tag) ? chosenTags.delete(tag) : chosenTags.add(tag); showGallery(); });
    return button;
  }));
}

function exhibit(one) {
  const card = template.content.cloneNode(true).firstElementChild, find = query => card.querySelector(query);
  card.id = `exhibit-${one.id.slice(0, 12)}`;
  card.classList.toggle("fresh", one.id === fresh);
  find("h3").textContent = one.name;
  find(".tags").textContent = one.tags.map(tag => `#${tag}`).join(" ");
  find(".note").textContent = one.note;
  if (one.preview) Object.assign(find("img"), { src: `/api/previews/${one.id}`, alt: `${one.name} at strengths 0, 0.5 and 1` });
  else find("img").replaceWith(Object.assign(document.createElement("p"), { className: "soft", textContent: "no preview" }));
  find("dl").append(...one.facts.flatMap(([name, value]) => [text("dt", name), text("dd", value)]));
  find(".use").addEventListener("click", () => use(one));
  find(".copy").addEventListener("click", () => copy(one.command, one.command).then(() => { find(".copy").textContent = "Copied"; }));
  find(".remove").hidden = one.origin === "starter";
  find(".remove").addEventListener("click", () => change(one.id, "trash", {}));
  const [rename, retag] = [find(".rename"), find(".retag")];
  Object.assign(rename.elements.name, { value: one.name, disabled: one.origin === "starter" });
  rename.hidden = one.origin === "starter";
  retag.elements.tags.value = one.tags.join(" ");
  rename.addEventListener("submit", event => { event.preventDefault(); change(one.id, "name", { name: rename.elements.name.value.trim() }); });
  retag.addEventListener("submit", event => { event.preventDefault(); change(one.id, "tags", { tags: retag.elements.tags.value.split(/[\s,#]+/).filter(Boolean) }); });
  return card;
}

const text = (tag, content) => Object.assign(document.createElement(tag), { textContent: content });

async function change(id, what, body) {
  if (!await trying(() => json(`/api/bank/${id}/${what}`, body))) return;
  await Promise.all([showGallery(), $("trash").hidden ? null : showTrash(), changed()]);
}

async function showTrash() {
  const removed = await trying(() => json("/api/trash"));
  if (!removed) return;
  $("trash").replaceChildren(...removed.map(one => {
    const card = Object.assign(document.createElement("article"), { className: "sheet-of-paper" });
    const back = Object.assign(document.createElement("button"), { type: "button", textContent: "Restore", ariaLabel: `Restore ${one.name}` });
    back.addEventListener("click", () => change(one.id, "restore", {}));
    card.append(text("h3", one.name), Object.assign(text("p", `removed ${one.removed.slice(0, 10)}`), { className: "soft" }), back);
    return card;
  }));
  if (!removed.length) $("trash").replaceChildren(Object.assign(text("p", "The trash is empty."), { className: "soft" }));
}

$("gallery-search").addEventListener("input", debounced(showGallery, 150));
$("show-trash").addEventListener("click", () => {
  const yes = $("show-trash").ariaPressed !== "true";
  $("show-trash").ariaPressed = String(yes);
  [$("trash").hidden, $("exhibits").hidden] = [!yes, yes];
  if (yes) showTrash();
});
