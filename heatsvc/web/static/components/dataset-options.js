// <dataset-options>: the options of a dataset as a form, made from their JSON schema, so that a new option appears by itself.
import { requestJson } from "../api.js";
import { choice, Component, h } from "../dom.js";
import { hasString, t } from "../strings.js";

const FIRST = ["img_shape", "select", "faulty", "missing", "split_policy", "split"];

/** How an option is entered: {name, kind, choices, initial, description}; kind is pair, choice or text. */
export function fieldOf(name, schema) {
  const kinds = schema.anyOf ?? [schema];
  const choices = kinds.flatMap((kind) => kind.enum ?? []);
  const isOpen = kinds.some((kind) => kind.$ref || ["array", "object"].includes(kind.type) || (kind.type === "string" && !kind.enum));
  const isPair = kinds.some((kind) => kind.prefixItems?.length === 2);
  const kind = isPair ? "pair" : choices.length && !isOpen ? "choice" : "text";
  return { name, kind, choices, initial: schema.default ?? null, description: schema.description ?? "" };
}

/** The value that a text means: JSON where it is some, else the text; undefined where it is empty. */
export function valueOf(text) {
  const trimmed = text.trim();
  if (!trimmed) return undefined;
  if (!/^([[{"-]|\d|null$|true$|false$)/.test(trimmed)) return trimmed;
  try {
    return JSON.parse(trimmed);
  } catch {
    return trimmed;
  }
}

const shown = (value) => (value === null ? "" : typeof value === "string" ? value : JSON.stringify(value));

export class DatasetOptions extends Component {
  values = {};
  fields = [];
  rows = {};
  wrong = {};

  async connectedCallback() {
    super.connectedCallback();
    const { components } = await requestJson("openapi.json");
    const known = Object.entries(components.schemas.AnnotationOptions.properties).map(([name, schema]) => fieldOf(name, schema));
    const rank = ({ name }) => (FIRST.indexOf(name) + FIRST.length + 1) % (FIRST.length + 1);
    this.fields = known.sort((one, other) => rank(one) - rank(other));
    this.update();
  }

  /** Say what is wrong with an option; of a problem that names none, nothing. */
  mark(field, detail) {
    const name = (field ?? "").replace(/^options\./, "").split(/[.[]/)[0];
    this.wrong = { [name]: detail };
    if (name in this.rows && !FIRST.includes(name)) this.querySelector("details").open = true;
    Object.keys(this.rows).forEach((each) => this.refresh(each));
  }

  /** Give an option, or with undefined its default, and tell those who listen. */
  set(name, value) {
    if (value === undefined) delete this.values[name];
    else this.values[name] = value;
    delete this.wrong[name];
    this.refresh(name);
    this.dispatchEvent(new Event("change", { bubbles: true }));
  }

  /** Show the state of an option. Its controls stay: one of them may be what is just being clicked. */
  refresh(name) {
    const { row, reset, wrong } = this.rows[name];
    const isWrong = Boolean(this.wrong[name]);
    row.classList.toggle("is-set", name in this.values);
    row.classList.toggle("is-wrong", isWrong);
    reset.hidden = !(name in this.values);
    wrong.hidden = !isWrong;
    wrong.textContent = this.wrong[name] ?? "";
    for (const control of row.querySelectorAll("input, select")) control.setAttribute("aria-invalid", isWrong);
  }

  render() {
    this.rows = {};
    const rows = this.fields.map((field) => this.row(field));
    Object.keys(this.rows).forEach((name) => this.refresh(name));
    return [
      h("h2", {}, t("dataset.options")),
      ...rows.slice(0, FIRST.length),
      h("details", {}, h("summary", {}, t("dataset.options.more")), rows.slice(FIRST.length)),
    ];
  }

  row(field) {
    const { name } = field;
    const help = `dataset.option.${name}`;
    const clear = () => {
      row.querySelectorAll("input, select").forEach((control) => (control.value = ""));
      this.set(name, undefined);
    };
    const reset = h("button", { class: "quiet", type: "button", "aria-label": `${t("dataset.options.reset")} ${name}`, onclick: clear }, t("dataset.options.reset"));
    const wrong = h("p", { class: "problem", id: `wrong-${name}` });
    const row = h("div", { class: "option" }, h("label", { for: `option-${name}` }, name), this.control(field), reset, wrong,
      h("p", { class: "hint" }, hasString(help) ? t(help) : field.description.replaceAll("`", "")));
    this.rows[name] = { row, reset, wrong };
    return row;
  }

  control({ name, kind, choices, initial }) {
    const common = { id: `option-${name}`, "data-field": name, "aria-describedby": `wrong-${name}` };
    const value = this.values[name];
    if (kind === "choice") {
      const none = [["", `${shown(initial) || t("dataset.options.none")} (${t("dataset.options.default")})`]];
      return choice({ ...common, onchange: (event) => this.set(name, event.target.value || undefined) },
        [...none, ...choices.filter((each) => each !== initial)], value ?? "");
    }
    if (kind === "pair") {
      const side = (at, key) => h("input", { ...common, id: at ? null : common.id, "data-field": `${name}${at}`, inputmode: "numeric", size: 5, placeholder: t(key),
        "aria-label": `${name}: ${t(key)}`, value: value?.[at] ?? null, onchange: (event) => this.setPair(event.target.parentElement, name) });
      return h("span", { class: "pair" }, side(0, "dataset.height"), " × ", side(1, "dataset.width"));
    }
    const list = choices.length ? `choices-${name}` : null;
    return [h("input", { ...common, list, value: value === undefined ? null : shown(value), spellcheck: "false",
      placeholder: shown(initial) === '{"name":null,"label":null}' ? "{}" : shown(initial),
      onchange: (event) => this.set(name, valueOf(event.target.value)) }),
      list && h("datalist", { id: list }, choices.map((each) => h("option", { value: each })))];
  }

  setPair(element, name) {
    const texts = [...element.querySelectorAll("input")].map((input) => input.value.trim());
    if (texts.every(Boolean)) this.set(name, texts.map((text) => (/^\d+$/.test(text) ? Number(text) : text)));
    else if (texts.every((text) => !text) && name in this.values) this.set(name, undefined);
  }
}
customElements.define("dataset-options", DatasetOptions);
