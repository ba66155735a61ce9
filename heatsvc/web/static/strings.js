// The page's texts: one file of strings for each language.
import en from "./strings/en.js";
import ko from "./strings/ko.js";

const LANGUAGES = { en, ko };
export const languageChanges = new EventTarget();
let current = "en";

/** The text of a key in the current language, else the English one, else `otherwise`; `{name}` is replaced. */
export function t(key, values = {}, otherwise = key) {
  const text = LANGUAGES[current][key] ?? en[key] ?? otherwise;
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** The text for a number of things: "1 clip", "2 clips". */
export const count = (key, value) => t(value === 1 ? `${key}.one` : key, { count: number(value) });

/** Facts in a line; those that are false, null or "" are left out. */
export const joined = (...facts) => facts.filter(Boolean).join(" · ");

export const language = () => current;

/** Set the language, and keep it for the next visit. */
export function setLanguage(name) {
  current = name in LANGUAGES ? name : "en";
  globalThis.localStorage?.setItem("heatsvc.language", current);
  if (globalThis.document) document.documentElement.lang = current;
  languageChanges.dispatchEvent(new Event("change"));
}

/** A number with its thousands separated. */
export const number = (value, digits = 0) =>
  value.toLocaleString(current, { minimumFractionDigits: digits, maximumFractionDigits: digits });

/** A number of bytes with a unit: "178 kB". */
export function bytes(size) {
  const power = Math.min(3, size < 1000 ? 0 : Math.floor(Math.log10(size) / 3));
  const scaled = size / 1000 ** power;
  return `${number(scaled, power && scaled < 10 ? 1 : 0)} ${["B", "kB", "MB", "GB"][power]}`;
}
