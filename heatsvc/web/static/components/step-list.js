// The steps of the pipeline as cards that fold, each with a form of its parameters.
import { Component, fillSelect, h } from "../dom.js";
import { model } from "../model.js";
import { isSame } from "../schema.js";
import { pipelineOf, state } from "../state.js";
import { t } from "../strings.js";
import "./schema-form.js";

class StepList extends Component {
  connected() {
    this.on(model, "catalogue", () => this.update());
    this.on(state, "change", ({ detail }) => detail.includes("pipeline") && this.show());
  }

  /** The steps of the pipeline; setting the steps of a preset names the preset. */
  get steps() {
    const pipeline = pipelineOf(state.values);
    return Array.isArray(pipeline) ? pipeline : (model.preset(pipeline)?.steps ?? []);
  }

  set steps(steps) {
    const same = model.catalogue.presets.find((preset) => isSame(preset.steps, steps));
    state.set({ pipeline: same?.name ?? JSON.stringify(steps) });
  }

  /** Change parameters of all steps of a type. */
  change(type, changes) {
    this.steps = this.steps.map((step) => (step.type === type ? { ...step, ...changes } : step));
  }

  /** Show the values of the steps. Cards stay unless the types of the steps have changed. */
  show() {
    const cards = [...this.querySelectorAll("li > details")];
    if (cards.map((card) => card.type).join() !== this.steps.map(({ type }) => type).join()) this.update();
    else cards.forEach((card, index) => card.show(this.steps[index]));
  }

  render() {
    const unfolded = new Set([...this.querySelectorAll("details[open]")].map((card) => card.type));
    const add = h("select", { onchange: () => add.value && this.add(add.value), "data-key": "add" });
    fillSelect(add, [["", "+"], ...model.catalogue.steps.map(({ type }) => type)], "");
    return [
      h("ol.cards", this.steps.map((step, index) => h("li", this.card(step, index, unfolded.has(step.type))))),
      h("label.field.add", h("span", t("steps.add")), add),
    ];
  }

  card({ type }, index, open) {
    const known = model.catalogue.steps.find((each) => each.type === type);
    const changed = h("span.quiet");
    const form = h("schema-form", { onchange: () => (this.steps = this.steps.with(index, { type, ...form.values })) });
    const isOpen = ({ schema }) => schema.const === undefined && Object.keys(schema).length;
    const fields = (known?.parameters ?? []).filter(isOpen);
    Object.assign(form, { fields, prefix: `pipeline[${index}].`, texts: `step.${type}` });
    const remove = () => (this.steps = this.steps.toSpliced(index, 1));
    const card = h("details", { open },
      h("summary", { "data-field": `pipeline[${index}]` }, h("b", type), changed),
      known && h("p.quiet", t(`step.${type}`, {}, known.description)),
      form,
      h("button.plain", { onclick: remove, "aria-label": t("steps.remove.label", { step: type }) }, t("steps.remove")));
    const show = ({ type: _, ...values }) => {
      form.show(values);
      const isChanged = (each) => !each.required && each.name in values && !isSame(values[each.name], each.default);
      const texts = fields.filter(isChanged).map(({ name }) => `${name} ${JSON.stringify(values[name])}`);
      changed.textContent = texts.join(", ");
    };
    show(this.steps[index]);
    return Object.assign(card, { type, show });
  }

  /** Add a step with its required parameters, at the end or before GeneratePoseTarget. */
  add(type) {
    const { parameters } = model.catalogue.steps.find((each) => each.type === type);
    const needed = parameters.filter(({ required }) => required).map(({ name, schema }) => [name, exampleOf(schema)]);
    const target = this.steps.findIndex((step) => step.type === "GeneratePoseTarget");
    const isLast = target < 0 || /FormatShape|Potion|Collect|ToTensor|Rename|Pack/.test(type);
    this.steps = this.steps.toSpliced(isLast ? this.steps.length : target, 0, { type, ...Object.fromEntries(needed) });
  }
}

/** A valid value for a required parameter. */
function exampleOf(schema) {
  const [first] = schema.anyOf ?? [schema];
  return first.const ?? first.enum?.[0] ?? (first.type === "integer" ? Math.max(first.minimum ?? 1, 48) : 1);
}

customElements.define("step-list", StepList);
