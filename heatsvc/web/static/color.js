// Colors. Those of body parts are in the responses; values have the color map inferno.
import inferno from "./inferno.js";

/** 256 colors, three bytes each. */
export const INFERNO = Uint8Array.from(atob(inferno), (letter) => letter.charCodeAt(0));

export const css = ([red, green, blue]) => `rgb(${red} ${green} ${blue})`;

/** The group of a channel: "body", "face", "hand.left" or "hand.right". */
export const groupOf = ({ part, side }) => (part === "hand" && side ? `hand.${side}` : part);

/** The key of the text for a body part with its side. */
export const partKey = ({ part, side }) => ["part", part, side].filter(Boolean).join(".");

/** Paint the composed frame of a volume into RGBA pixels, in the colors of channels, or in inferno without them. */
export function paint(pixels, { best, which, unit }, colors) {
  for (let i = 0; i < best.length; i++) {
    const value = Math.max(0, Math.min(1, best[i] / unit));
    const at = 3 * Math.round(255 * value);
    for (let part = 0; part < 3; part++)
      pixels[4 * i + part] = colors ? (colors[which[i]]?.[part] ?? 0) * value : INFERNO[at + part];
    pixels[4 * i + 3] = 255;
  }
}
