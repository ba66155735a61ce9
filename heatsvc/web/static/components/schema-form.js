// <schema-form>: a form that is made from JSON schemas. Defaults are gray; changed values are marked, and can be reset.
import { Component, h } from "../dom.js";
import { entryOf, isSame, textOf, valueOf } from "../schema.js";
import { t } from "../strings.js";

class SchemaForm extends Component {
  fields = []; // [{name, schema, default, description, required}]
  values = {}; // those that differ from their defaults
  prefix = ""; // of the fields in problem documents
  texts = ""; // prefix of the keys of help texts
  first = Infinity; // number of fields that are not folded

  render() {
    const rows = this.fields.map((field) => this.row(field));
    const more = rows.splice(this.first);
    return [rows, more.length > 0 && h("details", h("summary", t("form.more")), more)];
  }

  /** Show other values in the same controls. */
  show(values) {
    this.values = values;
    for (const control of this.querySelectorAll("[data-field]")) control.refresh();
  }

  set(name, value) {
    const { [name]: _, ...others } = this.values;
    this.show(value === undefined ? others : { ...others, [name]: value });
    this.dispatchEvent(new Event("change", { bubbles: true }));
  }

  row({ name, required, description, schema, default: initial }) {
    const { kind, choices } = entryOf(schema);
    const given = () => this.values[name] ?? initial;
    const set = (value) => this.set(name, !required && isSame(value, initial) ? undefined : value);
    const common = { "data-field": this.prefix + name, "data-key": this.prefix + name };
    const reset = { "aria-label": t("form.reset.label", { name }), onclick: () => this.set(name, undefined) };
    let control, show, read;
    if (kind === "flag") {
      control = h("input", { ...common, type: "checkbox" });
      show = () => (control.checked = Boolean(given()));
      read = () => control.checked;
    } else if (kind === "choice") {
      const none = initial === null && !required && h("option", { value: "" }, t("form.none"));
      control = h("select", common, none, choices.map((each) => h("option", String(each))));
      show = () => (control.value = given() ?? "");
      read = () => choices.find((each) => String(each) === control.value);
    } else {
      const list = choices.length && `${this.prefix}${name}-choices`;
      const placeholder = t(`${this.texts}.${name}.example`, {}, textOf(initial));
      control = h("input", { ...common, list, placeholder, spellcheck: "false", autocomplete: "off" });
      if (list) control.append(h("datalist", { id: list }, choices.map((value) => h("option", { value }))));
      // A control that has the focus keeps what is being typed.
      show = () => control === document.activeElement || (control.value = textOf(this.values[name]));
      read = () => valueOf(control.value);
    }
    control.onchange = (event) => {
      event.stopPropagation();
      set(read());
    };
    const row = h("div.field",
      h("label", h("span", name), control), h("button.plain", reset, t("form.reset")),
      h("small", t(`${this.texts}.${name}`, {}, description.replaceAll("`", ""))));
    control.refresh = () => {
      show();
      row.classList.toggle("changed", !required && name in this.values && !isSame(this.values[name], initial));
    };
    control.refresh();
    return row;
  }
}
customElements.define("schema-form", SchemaForm);
