// The steps of the pipeline as cards that fold, each with a form of its parameters; steps are added and removed.
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

  /** The steps; those of a preset where they began as such. */
  get steps() {
    const pipeline = pipelineOf(state.values);
    const preset = model.catalogue.presets.find(({ name }) => name === pipeline);
    return Array.isArray(pipeline) ? pipeline : (preset?.steps ?? []);
  }

  set steps(steps) {
    const same = model.catalogue.presets.find((preset) => JSON.stringify(preset.steps) === JSON.stringify(steps));
    state.set({ pipeline: same?.name ?? JSON.stringify(steps) });
  }

  /** Give the steps of a type other parameters. */
  change(type, changes) {
    this.steps = this.steps.map((step) => (step.type === type ? { ...step, ...changes } : step));
  }

  /** Show other values in the same cards, or other cards where the steps are others. */
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

  /** Add a step with what it needs: at the end, or before the one that makes the volume. */
  add(type) {
    const { parameters } = model.catalogue.steps.find((each) => each.type === type);
    const needed = parameters.filter(({ required }) => required).map(({ name, schema }) => [name, exampleOf(schema)]);
    const target = this.steps.findIndex((step) => step.type === "GeneratePoseTarget");
    const isLast = target < 0 || /FormatShape|Potion|Collect|ToTensor|Rename|Pack/.test(type);
    this.steps = this.steps.toSpliced(isLast ? this.steps.length : target, 0, { type, ...Object.fromEntries(needed) });
  }
}

/** A value that a required parameter may have, to begin with. */
function exampleOf(schema) {
  const [first] = schema.anyOf ?? [schema];
  return first.const ?? first.enum?.[0] ?? (first.type === "integer" ? Math.max(first.minimum ?? 1, 48) : 1);
}

customElements.define("step-list", StepList);
