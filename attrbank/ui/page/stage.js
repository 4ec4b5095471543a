// The two pictures with a handle between them, and the brush that paints a mask over them.

import { json, saved } from "./api.js";
import { $, copy, debounced, say, trying } from "./dom.js";
import { last, onExact, want } from "./draw.js";
import { keep, state, wish } from "./state.js";

const compare = $("compare"), canvas = $("brush"), context = canvas.getContext("2d");

function cut() {
  const place = `${$("handle").value}%`;
  compare.style.setProperty("--cut", place);
  $("handle").setAttribute("aria-valuetext", `${$("handle").value} % before`);
}
$("handle").addEventListener("input", cut);
cut();

onExact((answer, milliseconds) => {
  say(`Drawn in ${milliseconds} ms.`);
  $("warnings").replaceChildren(...answer.warnings.map(text => Object.assign(document.createElement("li"), { textContent: text })));
});

$("save").addEventListener("click", () => save(true));
$("save-both").addEventListener("click", () => save(false));
$("copy-command").addEventListener("click", () => last.answer && copy(last.answer.command, last.answer.command));
$("copy-python").addEventListener("click", () => last.answer && copy(last.answer.python, "the Python that draws this"));

function save(only_after) {
  say("Saving …");
  trying(async () => say(`Saved as ${await saved("/api/save", { only_after, wish: wish() }, "picture.png")}.`));
}

// The mask is painted at the size of the picture as it is shown, white on nothing; the server wants white on black.

let from = null;

function fit() {
  const { naturalWidth: width, naturalHeight: height } = $("before");
  if (width) compare.closest(".easel").style.setProperty("--ratio", width / height);
  if (width && (canvas.width !== width || canvas.height !== height)) {
    canvas.width = width;
    canvas.height = height;
  }
}

function place(event) {
  const box = canvas.getBoundingClientRect(), scale = box.width / canvas.width;
  return { x: (event.clientX - box.left) / scale, y: (event.clientY - box.top) / scale, scale };
}

canvas.addEventListener("pointerdown", event => {
  canvas.setPointerCapture(event.pointerId);
  from = place(event);
  stroke(event);
});
canvas.addEventListener("pointermove", event => from && stroke(event));
canvas.addEventListener("pointerup", () => { from = null; send(); });

function stroke(event) {
  const to = place(event);
  Object.assign(context, { strokeStyle: "#fff", lineCap: "round", lineJoin: "round", lineWidth: $("brush-size").value / to.scale });
  context.beginPath();
  context.moveTo(from.x, from.y);
  context.lineTo(to.x + .01, to.y);
  context.stroke();
  from = to;
}

const mask = (name, data) => trying(async () => {
  state.picture.mask = (await json(`/api/pictures?name=${encodeURIComponent(name)}`, data)).image;
  want("exact");
});

$("mask-file").addEventListener("change", () => { const [file] = $("mask-file").files; $("mask-file").value = ""; if (file) mask(file.name, file); });

const send = debounced(async () => {
  const whole = Object.assign(document.createElement("canvas"), { width: canvas.width, height: canvas.height });
  const plain = whole.getContext("2d");
  plain.fillRect(0, 0, whole.width, whole.height);
  plain.drawImage(canvas, 0, 0);
  mask("mask.png", await new Promise(done => whole.toBlob(done, "image/png")));
}, 200);

$("paint").addEventListener("click", () => {
  const painting = $("paint").ariaPressed !== "true";
  $("paint").ariaPressed = String(painting);
  compare.classList.toggle("painting", painting);
  canvas.hidden = !painting;
  fit();
});
$("before").addEventListener("load", fit);

export function clearMask() {
  context.clearRect(0, 0, canvas.width, canvas.height);
  delete state.picture.mask;
  keep();
}
$("clear-mask").addEventListener("click", () => { clearMask(); want("exact"); });
