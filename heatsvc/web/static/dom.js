// Helpers for elements, and Component, the base class of custom elements without shadow DOM.
import { languageChanges, t } from "./strings.js";

/** Make an element: h("button.plain", {onclick: f}, "text", child). Properties are optional; children that are null,
 * undefined, false or "" are left out. */
export function h(name, ...rest) {
  const [tag, ...classes] = name.split(".");
  const element = document.createElement(tag);
  const properties = rest[0]?.constructor === Object ? rest.shift() : {};
  if (classes.length) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(properties)) {
    if (key === "style") Object.assign(element.style, value);
    else if (key.startsWith("on")) element[key] = value;
    else if ((value ?? false) !== false) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...present(rest));
  return element;
}

const present = (children) => children.flat(Infinity).filter((child) => child || child === 0);

/** Fill a select with options, [value, text] or text, and choose one. */
export function fillSelect(select, options, chosen) {
  const items = options.map((each) => (Array.isArray(each) ? each : [each, each]));
  select.replaceChildren(...items.map(([value, text]) => h("option", { value }, text)));
  select.value = chosen;
}

/** Fill elements that have `data-text` or `data-label` with texts of the current language. */
export function translate(root) {
  for (const each of root.querySelectorAll("[data-text]")) each.textContent = t(each.dataset.text);
  for (const each of root.querySelectorAll("[data-label]")) each.ariaLabel = t(each.dataset.label);
}

/** Mark the control of the field that a problem names, and unfold it; unmark all others. */
export function markField(root, field) {
  const all = [...root.querySelectorAll("[data-field]")];
  const fits = ({ dataset: { field: name } }) =>
    `.${field}`.endsWith(`.${name}`) || field.startsWith(`${name}.`) || field.startsWith(`${name}[`);
  const fitting = all.filter(fits);
  const longest = Math.max(...fitting.map((each) => each.dataset.field.length));
  const wrong = fitting.filter((each) => each.dataset.field.length === longest);
  for (const each of all) each.ariaInvalid = wrong.includes(each) ? "true" : null;
  for (const details of root.querySelectorAll("details"))
    if (wrong.some((each) => details.contains(each))) details.open = true;
}

/** Whether an element takes the keys that are typed. */
export const isTextInput = (element) =>
  element.matches("input:not([type=range], [type=checkbox], [type=radio]), select, textarea");

/** Save bytes as a file. */
export function saveAs(blob, name) {
  const url = URL.createObjectURL(blob);
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** Subclasses have `connected`, which is called when the element is added to the page, and `render` or `update`. */
export class Component extends HTMLElement {
  connectedCallback() {
    this.stop = new AbortController();
    this.on(languageChanges, "change", () => this.update());
    this.connected?.();
    this.update();
  }

  disconnectedCallback() {
    this.stop.abort();
  }

  /** Listen to events, whose names are separated by spaces, while the element is on the page. */
  on(target, names, listener) {
    for (const name of names.split(" ")) target.addEventListener(name, listener, { signal: this.stop.signal });
  }

  /** Replace the content by the result of `render`. A control with `data-key` keeps the focus. */
  update() {
    const key = this.contains(document.activeElement) && document.activeElement.dataset.key;
    this.replaceChildren(...present([this.render()]));
    if (key) this.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus();
  }
}
