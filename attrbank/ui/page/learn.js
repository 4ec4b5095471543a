// Learns an attribute from two prompts, with progress, and lets go of it when it is cancelled.

import { json, Refusal } from "./api.js";
import { $, trying } from "./dom.js";
import { state } from "./state.js";

const KEPT = "attrbank.learning";
let done = () => {};
export function onLearned(listener) { done = listener; }

$("learn-form").addEventListener("submit", event => { event.preventDefault(); learn(); });

function learn(force = false) {
  $("learn-done").hidden = true;
  const order = {
    backbone: state.backbone, ...(state.device ? { device: state.device } : {}), force, name: $("learn-name").value.trim(), source: $("learn-source").value, target: $("learn-target").value,
    seeds: $("learn-seeds").value, replace: $("learn-replace").checked, ...(state.picture.steps ? { steps: state.picture.steps } : {}),
  };
  trying(async () => watch((await json("/api/learn", order)).key), null, () => learn(true));
}

$("learn-cancel").addEventListener("click", () => trying(() => json(`/api/learn/${sessionStorage.getItem(KEPT)}`, undefined, "DELETE")));

async function watch(key) {
  sessionStorage.setItem(KEPT, key);
  running(true);
  try {
    for (;;) {
      const news = await json(`/api/learn/${key}`);
      if (news.state !== "running") { running(false); return await end(news); }
      $("learn-progress").querySelector("p").textContent = `${news.name}: ${news.stage}, ${news.done} of ${news.total}`;
      Object.assign($("learn-progress").querySelector("progress"), { max: news.total || 1, value: news.done });
      await new Promise(wake => setTimeout(wake, 300));
    }
  } finally {
    running(false);
    sessionStorage.removeItem(KEPT);
  }
}

function running(yes) {
  $("learn-progress").hidden = !yes;
  $("learn-form").querySelector("[type=submit]").disabled = yes;
}

async function end(news) {
  if (news.state === "failed") throw new Refusal(news.error);
  const box = $("learn-done");
  box.querySelector("p").textContent = news.state === "cancelled"
    ? `${news.name} was cancelled; nothing is kept of it.` : `${news.name} is learned.`;
  box.querySelector(".buttons").hidden = news.state === "cancelled";
  box.querySelector("ul").replaceChildren(...news.warnings.map(text => Object.assign(document.createElement("li"), { textContent: text })));
  box.hidden = false;
  if (news.state === "done") await done(news);
}

export function resume() {
  const key = sessionStorage.getItem(KEPT);
  if (key) trying(() => watch(key));
}
