// Asks for pictures: while a slider moves a draft, when it stands the exact one. One request is under way at a time, and
// of what was wanted meanwhile the newest alone is asked for; a draft does not wait for an exact picture.

import { json } from "./api.js";
import { $, calm, trouble } from "./dom.js";
import { keep, state, tab, wish } from "./state.js";

let number = Date.now(), shown = 0, wanted = null, underWay = null;
const listeners = [];

export const last = { answer: null };

export function onExact(listener) { listeners.push(listener); }

export function want(kind) {
  wanted = kind;
  keep();
  if (!underWay || underWay.kind === "exact") go();
}

async function go() {
  const order = { kind: wanted, number: ++number, begun: performance.now() };
  [wanted, underWay] = [null, order];
  $("compare").classList.add("busy");
  try {
    const answer = await json("/api/draw", { tab, number: order.number, draft: order.kind === "draft", wish: wish() });
    if (!answer.superseded && order.number > shown) show(order, answer);
  } catch (error) {
    if (order.number === number) trouble(error, () => want("exact"), () => { state.picture.force = true; want("exact"); });
  } finally {
    if (underWay === order) {
      underWay = null;
      if (wanted) go();
      else $("compare").classList.remove("busy");
    }
  }
}

async function show(order, answer) {
  shown = order.number;
  calm();
  $("after").src = answer.after;
  $("after").hidden = false;
  const milliseconds = Math.round(performance.now() - order.begun);
  $("compare").dataset.drawn = `${order.kind} ${order.number} ${milliseconds}`;
  if (order.kind !== "exact") return;
  $("before").src = answer.before;
  $("before").hidden = false;
  $("empty").hidden = true;
  last.answer = answer;
  for (const listener of listeners) listener(answer, milliseconds);
}
