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

/** Close the menus but the one that something is in; the focus returns to the menu that it was in. */
export function closeMenus(inside = null) {
  for (const menu of document.querySelectorAll(".menu[open]")) {
    if (menu.contains(inside)) continue;
    if (menu.contains(document.activeElement)) menu.querySelector("summary").focus();
    menu.open = false;
  }
}

export class Component extends HTMLElement {
  /** Call `update` on each of these events, given as [target, name], while the element is on the page. */
  static events = [];

  connectedCallback() {
    this.stop = new AbortController();
    for (const [target, name] of [[languageChanges, "change"], ...this.constructor.events])
      target.addEventListener(name, () => this.update(), { signal: this.stop.signal });
    // What has been entered is no draft any more.
    this.addEventListener("change", ({ target }) => (target.defaultValue = target.value), { capture: true, signal: this.stop.signal });
    this.update();
  }

  disconnectedCallback() {
    this.stop.abort();
  }

  /** Replace the content by what `render` returns; the control that has the focus keeps it. A draft is never replaced:
   * the content waits until its control is left, and until what was clicked instead has had its click. */
  update() {
    const active = this.contains(document.activeElement) ? document.activeElement : null;
    if (active?.matches("input:not([type=range], [type=checkbox])") && active.value !== active.defaultValue)
      return active.addEventListener("blur", () => setTimeout(() => this.isConnected && this.update(), 200), { once: true });
    const key = active?.dataset.field;
    this.replaceChildren(...[this.render()].flat().filter(Boolean));
    if (key) this.querySelector(`[data-field="${CSS.escape(key)}"]`)?.focus();
  }
}
