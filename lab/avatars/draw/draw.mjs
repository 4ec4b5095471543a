// Draws figures: `node draw.mjs JOBS OUT SIZE`.
// JOBS is a JSON list of {style, options}, every option explicit; OUT gets SIZE×SIZE RGBA bytes for each, in order.
// Nothing is left to the library's random numbers, so that a label is never a guess.
import { createAvatar } from "@dicebear/core";
import resvg from "@resvg/resvg-js";
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";

const [jobsPath, outPath, size] = process.argv.slice(2);
const styles = {};

async function styleOf(name) {
  styles[name] ??= await import(`@dicebear/${name}`);
  return styles[name];
}

const out = openSync(outPath, "w");
for (const { style, options } of JSON.parse(readFileSync(jobsPath, "utf8"))) {
  const svg = createAvatar(await styleOf(style), { seed: "", ...options }).toString();
  const picture = new resvg.Resvg(svg, { fitTo: { mode: "width", value: Number(size) } }).render();
  writeSync(out, picture.pixels); // premultiplied alpha
}
closeSync(out);
