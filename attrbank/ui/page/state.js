// What the controls say: one wish, kept for as long as the tab lives, so that a reload changes nothing.

const KEPT = "attrbank.wish";

// Kept nowhere: a tab that is duplicated takes along what is kept, and would have the first one's pictures given up.
export const tab = Math.random().toString(36).slice(2);

export const state = {
  backbone: null,        // the model's name
  device: null,          // where it runs; null is as usual
  known: [],             // what can act on it, from the server
  related: [],           // what could, if it were forced
  attributes: new Map(), // key of a slider -> {name, id, strength, at}
  picture: {},           // prompt, seed, sampler, steps, guidance_scale, image, mask and the rest of a wish
  photo: null,           // the name of the picture that is edited
};

// A slider of a name is known by it; an earlier version of an attribute by its name and id.
export const keyOf = ({ name, id }) => id ? `${name}@${id}` : name;

export function wish() {
  const turned = [...state.attributes.values()].filter(one => one.strength !== 0);
  const first = state.known[0];
  const attributes = turned.length || !first ? turned : [{ name: first.name, strength: 0 }];
  return { backbone: state.backbone, ...(state.device ? { device: state.device } : {}), attributes, ...state.picture };
}

export function set(attribute, strength) {
  const key = keyOf(attribute);
  state.attributes.set(key, { ...state.attributes.get(key), ...attribute, strength });
}

export function put(wished, photo = null) {
  const { backbone, attributes = [], ...picture } = wished;
  state.backbone = backbone;
  state.picture = picture;
  state.photo = photo;
  state.attributes.clear();
  for (const one of attributes) {
    const current = state.known.some(known => known.name === one.name && known.id === one.id);
    const attribute = current ? { name: one.name } : { name: one.name, id: one.id };
    state.attributes.set(keyOf(attribute), { ...attribute, strength: one.strength, ...(one.at ? { at: one.at } : {}) });
  }
}

export function keep() {
  const { backbone, device, picture, photo } = state;
  const attributes = [...state.attributes.values()].filter(one => one.strength !== 0);
  sessionStorage.setItem(KEPT, JSON.stringify({ backbone, device, picture, photo, attributes }));
}

export function recall() {
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEPT));
    if (kept?.backbone) {
      Object.assign(state, { backbone: kept.backbone, device: kept.device ?? null, picture: kept.picture, photo: kept.photo });
      for (const one of kept.attributes) state.attributes.set(keyOf(one), one);
    }
  } catch { sessionStorage.removeItem(KEPT); }
}
