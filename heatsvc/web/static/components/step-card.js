// A step of the pipeline: a form made from its JSON Schema. Defaults are gray; what was changed is marked and can be reset.
import { choice, Component, h } from "../dom.js";
import { model } from "../model.js";
import { t } from "../strings.js";

class StepCard extends Component {
  render() {
    const { step, index, known } = this;
    const prefix = `pipeline[${index}]`;
    const isWrong = model.problem?.field?.startsWith(prefix);
    this.className = isWrong ? "wrong" : "";
    const parameters = (known?.parameters ?? []).filter((each) => each.schema.const === undefined && Object.keys(each.schema).length);
    const changed = parameters.filter((each) => !each.required && each.name in step && !isSame(step[each.name], each.default));
    const remove = h("button", { class: "plain", onclick: () => this.tell(null), "aria-label": t("steps.remove.label", { step: step.type }) }, t("steps.remove"));
    const head = [h("b", {}, step.type), changed.length ? h("span", { class: "quiet" }, changed.map(({ name }) => `${name} ${show(step[name])}`).join(", ")) : null];
    return h("details", { open: isWrong || StepCard.open.has(step.type), ontoggle: (event) => StepCard.open[event.target.open ? "add" : "delete"](step.type) },
      h("summary", {}, head),
      known && h("p", { class: "quiet", lang: "en" }, known.description),
      parameters.map((each) => this.parameter(each, prefix)),
      h("div", {}, remove),
    );
  }

  static open = new Set();

  tell(step) {
    this.dispatchEvent(new CustomEvent("change", { detail: step }));
  }

  set(name, value) {
    this.tell({ ...this.step, [name]: value });
  }

  parameter({ name, required, default: byDefault, description, schema }, prefix) {
    const value = this.step[name] ?? byDefault;
    const isChanged = !required && !isSame(value, byDefault);
    const field = `${prefix}.${name}`;
    const isWrong = model.problem?.field?.startsWith(field);
    const control = this.control(name, value, schema);
    control.dataset.field = field;
    control.title = description;
    if (isWrong) control.setAttribute("aria-invalid", "true");
    const reset = () => {
      const { [name]: _, ...rest } = this.step;
      this.tell(rest);
    };
    const kind = isWrong ? "wrong" : required ? "" : isChanged ? "changed" : "default";
    return h("div", { class: `field ${kind}` },
      h("label", {}, h("span", {}, name), control),
      isChanged && h("button", { class: "plain", onclick: reset, "aria-label": t("steps.reset.label", { name }) }, t("steps.reset")));
  }

  control(name, value, schema) {
    if (schema.type === "boolean")
      return h("input", { type: "checkbox", checked: Boolean(value), onchange: (event) => this.set(name, event.target.checked) });
    if (schema.enum) return choice({ onchange: (event) => this.set(name, event.target.value) }, schema.enum, value);
    const parse = (event) => {
      event.stopPropagation();
      try {
        this.set(name, JSON.parse(event.target.value || "null"));
        event.target.removeAttribute("aria-invalid");
      } catch {
        event.target.setAttribute("aria-invalid", "true");
      }
    };
    return h("input", { value: show(value), placeholder: "null", spellcheck: "false", autocomplete: "off", onchange: parse });
  }
}

const show = (value) => (value === null || value === undefined ? "" : JSON.stringify(value));
const isSame = (a, b) => JSON.stringify(a) === JSON.stringify(b) || (typeof a === "number" && a === b);

customElements.define("step-card", StepCard);
