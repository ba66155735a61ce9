// Colors: values by inferno; joints by hue for their body part, left ones lighter than right ones.
import inferno from "./inferno.js";

/** 256 colors, three bytes each. */
export const INFERNO = Uint8Array.from(atob(inferno), (letter) => letter.charCodeAt(0));

/** Colors that stay apart for color-blind eyes (after Okabe and Ito), of the same hue lighter on the left. */
export const PARTS = {
  body: [86, 180, 233],
  body_left: [150, 213, 250],
  body_right: [38, 128, 196],
  face: [204, 121, 167],
  left_hand: [240, 228, 66],
  right_hand: [225, 98, 12],
};

/** The part of the body that a point is on, by its name; a limb is where its second end is. */
export function partOf(name) {
  const point = name.split("–").at(-1);
  const hand = /^(left|right)_(hand|thumb|pinky|index|palm)/.exec(point);
  if (hand) return `${hand[1]}_hand`;
  if (/face|mouth|pupil/.test(point)) return "face";
  const side = /^(left|right)_/.exec(point);
  return side ? `body_${side[1]}` : "body";
}

/** The groups of channels that are chosen together. */
export const groupOf = (name) => partOf(name).replace(/^body_.*/, "body");

export const css = ([red, green, blue]) => `rgb(${red} ${green} ${blue})`;

/** Paint a composed frame into pixels of RGBA: `levels` are 0 to 1, `colors` those of the channels or null for inferno. */
export function paint(pixels, count, level, which, colors) {
  for (let i = 0; i < count; i++) {
    const value = Math.max(0, Math.min(1, level(i)));
    const at = 3 * Math.round(255 * value);
    const color = colors && which[i] >= 0 ? colors[which[i]] : null;
    for (let part = 0; part < 3; part++)
      pixels[4 * i + part] = color ? color[part] * Math.sqrt(value) : colors ? 0 : INFERNO[at + part];
    pixels[4 * i + 3] = 255;
  }
}
