// Talks to the server. What goes wrong is a Refusal with the command line's own sentence and hint.

export class Refusal extends Error {
  constructor({ message, hint, force }) { super(message); Object.assign(this, { hint, force }); }
}

export async function ask(path, body, method = body === undefined ? "GET" : "POST") {
  const sent = body === undefined ? undefined : body instanceof Blob ? body : JSON.stringify(body);
  let answer;
  try {
    answer = await fetch(path, { method, body: sent });
  } catch {
    throw new Refusal({ message: "The server does not answer.", hint: "Start it again with: attrbank ui" });
  }
  if (answer.ok) return answer;
  const kind = answer.headers.get("content-type") ?? "";
  if (kind.startsWith("application/json")) throw new Refusal((await answer.json()).error);
  throw new Refusal({ message: await answer.text() });
}

export const json = async (...given) => (await ask(...given)).json();

export async function saved(path, body, fallback) {
  const answer = await ask(path, body);
  const named = /filename\*=UTF-8''([^;]+)/.exec(answer.headers.get("content-disposition") ?? "");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await answer.blob());
  link.download = named ? decodeURIComponent(named[1]) : fallback;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  return link.download;
}
