// Elements, and the base class of the page's components: custom elements without shadow DOM.
import { languageChanges } from "./strings.js";

/** An element: h("button", {class: "x", onclick: f}, "text", child). null, undefined and false are left out. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element[name] = value;
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(2).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** A select; options are [value, text] or text. */
export function choice(properties, options, chosen) {
  const items = options.map((each) => (Array.isArray(each) ? each : [each, each]));
  return h("select", properties, items.map(([value, text]) => h("option", { value, selected: value === chosen }, text)));
}

export class Component extends HTMLElement {
  /** Call `update` on each of these events, given as [target, name], while the element is on the page. */
  static events = [];

  connectedCallback() {
    this.stop = new AbortController();
    for (const [target, name] of [[languageChanges, "change"], ...this.constructor.events])
      target.addEventListener(name, () => this.update(), { signal: this.stop.signal });
    this.update();
  }

  disconnectedCallback() {
    this.stop.abort();
  }

  /** Replace the content by what `render` returns; the control that has the focus keeps it. */
  update() {
    const key = this.contains(document.activeElement) && document.activeElement.dataset.field;
    this.replaceChildren(...[this.render()].flat().filter(Boolean));
    if (key) this.querySelector(`[data-field="${CSS.escape(key)}"]`)?.focus();
  }
}
