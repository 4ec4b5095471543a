// Small helpers around the document.

export const $ = id => document.getElementById(id);

export function say(text) { $("status").textContent = text; }

let again = null, agreed = null;

// With a consent, which is offered where the command line offers --force.
export function trouble(error, retry = null, consent = null) {
  const box = $("trouble");
  box.querySelector("strong").textContent = error.message;
  box.querySelector("span").textContent = error.hint ?? "";
  again = retry;
  agreed = error.force ? consent : null;
  box.querySelector(".consent").hidden = !agreed;
  box.querySelector(".again").hidden = !retry || Boolean(agreed);
  box.hidden = false;
  if (!("hint" in error)) console.error(error);
}

export function calm() { $("trouble").hidden = true; }

export async function trying(work, retry = null, consent = null) {
  try { return await work(); } catch (error) { trouble(error, retry, consent); return undefined; }
}

$("trouble").querySelector(".close").addEventListener("click", calm);
$("trouble").querySelector(".again").addEventListener("click", () => { calm(); again?.(); });
$("trouble").querySelector(".consent").addEventListener("click", () => { calm(); agreed?.(); });

export async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {  // no permission: an old way that needs none
    const area = Object.assign(document.createElement("textarea"), { value: text });
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  say(`Copied: ${what}`);
}

export function options(select, texts) {
  select.replaceChildren(...texts.map(text => Object.assign(document.createElement("option"), { value: text, textContent: text })));
}

export function debounced(work, wait) {
  let timer;
  return (...given) => { clearTimeout(timer); timer = setTimeout(() => work(...given), wait); };
}
