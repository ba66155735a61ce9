// Elements, and the base class of the page's components: custom elements without shadow DOM.
import { languageChanges, t } from "./strings.js";

/** An element: h("button", {class: "x", onclick: f}, "text", child). null, undefined, false and "" are left out. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "style") Object.assign(element.style, value);
    else if (name.startsWith("on")) element[name] = value;
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...present(children));
  return element;
}

const present = (children) => children.flat(Infinity).filter((child) => child || child === 0);

/** Give a select its options, [value, text] or text, and choose one. */
export function fillSelect(select, options, chosen) {
  const items = options.map((each) => (Array.isArray(each) ? each : [each, each]));
  select.replaceChildren(...items.map(([value, text]) => h("option", { value }, text)));
  select.value = chosen;
}

/** Put the texts of the current language into what names them by `data-text` and `data-label`. */
export function translate(root) {
  for (const each of root.querySelectorAll("[data-text]")) each.textContent = t(each.dataset.text);
  for (const each of root.querySelectorAll("[data-label]")) each.ariaLabel = t(each.dataset.label);
}

/** Mark the control of the option that a problem names, and open what it is folded in; unmark all others. */
export function markField(root, field) {
  const all = [...root.querySelectorAll("[data-field]")];
  const fits = ({ dataset: { field: name } }) => `.${field}`.endsWith(`.${name}`) || field.startsWith(`${name}.`) || field.startsWith(`${name}[`);
  const longest = field ? Math.max(0, ...all.filter(fits).map((each) => each.dataset.field.length)) : Infinity;
  for (const each of all) {
    const isWrong = each.dataset.field.length === longest && fits(each);
    each.ariaInvalid = isWrong ? "true" : null;
    for (let parent = isWrong && each; parent; parent = parent.parentElement) if (parent.matches("details")) parent.open = true;
  }
}

/** Save bytes as a file. */
export function saveAs(blob, name) {
  const url = URL.createObjectURL(blob);
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

export class Component extends HTMLElement {
  connectedCallback() {
    this.stop = new AbortController();
    this.on(languageChanges, "change", () => this.update());
    this.connected();
    this.update();
  }

  disconnectedCallback() {
    this.stop.abort();
  }

  /** Listen, while the element is on the page, to events whose names are separated by spaces. */
  on(target, names, listener) {
    for (const name of names.split(" ")) target.addEventListener(name, listener, { signal: this.stop.signal });
  }

  /** What is to be done once, when the element comes onto the page. */
  connected() {}

  /** Replace the content by what `render` returns; the control that has the focus keeps it. */
  update() {
    const key = this.contains(document.activeElement) && document.activeElement.dataset.key;
    this.replaceChildren(...present([this.render()]));
    if (key) this.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus();
  }
}
