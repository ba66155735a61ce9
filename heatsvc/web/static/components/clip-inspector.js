// What comes in, what is done, what is seen: three sections that fold.
import { choice, Component, h } from "../dom.js";
import { model } from "../model.js";
import { pipelineOf, state } from "../state.js";
import { t } from "../strings.js";
import "./channel-list.js";
import "./step-card.js";

/** The option that mends what was found. */
const MENDED_BY = { depth_as_score: "project", normalized: "coordinates", not_normalized: "coordinates", outside_frame: "img_shape", img_shape_swapped: "img_shape", points_outside: "img_shape", missing_points: "select" };

class ClipInspector extends Component {
  static events = [...["catalogue", "list", "volume", "problem"].map((name) => [model, name])];
  folded = new Set(innerWidth < 700 ? ["input", "steps", "channels"] : innerHeight < 900 ? ["steps"] : []);

  connectedCallback() {
    super.connectedCallback();
    const changed = ({ detail }) => {
      if (detail.some((name) => ["pipeline", "select", "layout", "dtype"].includes(name))) this.update();
      else this.querySelector(".channels > summary .quiet").textContent = this.summary("channels");
    };
    state.addEventListener("change", changed, { signal: this.stop.signal });
  }

  /** A section that a problem names is opened. */
  get wrong() {
    const field = model.problem?.field ?? "";
    return /^pipeline|^dtype/.test(field) ? "steps" : /^(layout|select|img_shape|coordinates|project)/.test(field) ? "input" : "";
  }

  render() {
    this.folded.delete(this.wrong);
    return ["input", "steps", "channels"].map((name) =>
      h("details", { open: !this.folded.has(name), ontoggle: (event) => this.folded[event.target.open ? "delete" : "add"](name), class: `section ${name}` },
        h("summary", {}, h("h2", {}, t(`section.${name}`)), h("span", { class: "quiet" }, this.summary(name))),
        h("div", { class: "body" }, this[`${name}Section`]())),
    );
  }

  summary(name) {
    const { pipeline } = state.values;
    if (name === "input") return state.values.select || model.readLayout?.name || "";
    if (name === "steps") return pipeline.startsWith("[") ? t("steps.own") : pipeline;
    return model.volume ? `${model.shown.length} / ${model.channels.length}` : "";
  }

  /** A labeled control that is marked where a problem names it. */
  field(name, label, control, note) {
    const isWrong = model.problem?.field?.split(/[.[]/)[0] === name || model.problem?.field?.endsWith(`.${name}`);
    control.dataset.field = name;
    if (isWrong) control.setAttribute("aria-invalid", "true");
    const isDoubtful = model.findings.some((finding) => MENDED_BY[finding.code] === name);
    return h("label", { class: `field ${isWrong ? "wrong" : isDoubtful ? "doubtful" : ""}` }, h("span", {}, label), control, note && h("small", {}, note));
  }

  inputSection() {
    const { values } = state;
    const names = model.layouts.map((layout) => layout.name);
    const read = model.readLayout;
    const known = model.layouts.find((layout) => layout.name === read?.name);
    const selects = new Set([...(known?.contains ?? names), ...(values.select ? [values.select] : [])]);
    const change = (name) => (event) => state.set({ [name]: event.target.value });
    const [height = "", width = ""] = values.img_shape.split(",");
    const setSide = (index) => (event) => {
      const sides = state.values.img_shape.split(",");
      sides[index] = event.target.value;
      state.set({ img_shape: [sides[0] ?? "", sides[1] ?? ""].join(",").replace(/^,$/, "") });
    };
    const [given, wide] = model.clip?.img_shape ?? ["", ""];
    const side = (value, placeholder, index, label, field) =>
      h("input", { type: "number", min: 1, max: 100000, value, placeholder, "aria-label": label, "data-field": field, onchange: setSide(index) });
    const shape = h("span", { class: "pair", role: "group" }, side(height, given, 0, t("input.height"), "height"), "×", side(width, wide, 1, t("input.width"), "width"));
    return [
      this.field("layout", t("input.layout"), choice({ onchange: change("layout") }, [["", t("input.layout.read", { name: read?.name ?? t("input.layout.unknown") })], ...names], values.layout)),
      this.field("select", t("input.select"), choice({ onchange: change("select") }, [["", t("input.select.all", { count: model.clip?.points ?? "" })], ...selects], values.select)),
      this.field("img_shape", t("input.img_shape"), shape, t("input.img_shape.note")),
      this.field("coordinates", t("input.coordinates"), choice({ onchange: change("coordinates") }, [["pixels", t("input.pixels")], ["normalized", t("input.normalized")]], values.coordinates)),
      this.field("project", t("input.project"), choice({ onchange: change("project") }, [["", t("input.score")], ["xy", t("input.depth")]], values.project)),
    ];
  }

  /** The steps of the pipeline, and those of the preset that they began as. */
  steps() {
    const pipeline = pipelineOf(state.values);
    const preset = model.catalogue.presets.find((each) => each.name === pipeline);
    return Array.isArray(pipeline) ? pipeline : (preset?.steps ?? []);
  }

  setSteps(steps) {
    const same = model.catalogue.presets.find((preset) => JSON.stringify(preset.steps) === JSON.stringify(steps));
    state.set({ pipeline: same?.name ?? JSON.stringify(steps) });
  }

  stepsSection() {
    const { values } = state;
    const { presets, steps: known } = model.catalogue;
    const steps = this.steps();
    const own = values.pipeline.startsWith("[");
    const target = steps.find((step) => step.type === "GeneratePoseTarget");
    const drawn = target ? ((target.with_kp ?? true) ? (target.with_limb ? "both" : "keypoints") : "limbs") : "";
    const draw = (event) => {
      const what = event.target.value;
      this.setSteps(steps.map((step) => (step === target ? { ...step, with_kp: what !== "limbs", with_limb: what !== "keypoints" } : step)));
    };
    const cards = steps.map((step, index) => {
      const card = document.createElement("step-card");
      Object.assign(card, { step, index, known: known.find((each) => each.type === step.type) });
      card.onchange = ({ detail }) => detail !== undefined && this.setSteps(steps.flatMap((each, i) => (i !== index ? [each] : detail ? [detail] : [])));
      return card;
    });
    const add = (event) => {
      const { type, parameters } = known.find((each) => each.type === event.target.value);
      const needed = parameters.filter((each) => each.required).map((each) => [each.name, exampleOf(each.schema)]);
      const at = steps.findIndex((step) => step.type === "GeneratePoseTarget");
      this.setSteps(steps.toSpliced(at < 0 || /FormatShape|Potion|Collect|ToTensor|Rename|Pack/.test(type) ? steps.length : at, 0, { type, ...Object.fromEntries(needed) }));
    };
    return [
      this.field("pipeline", t("steps.preset"), choice({ onchange: (event) => event.target.value && state.set({ pipeline: event.target.value }) }, [...(own ? [["", t("steps.own")]] : []), ...presets.map((preset) => preset.name)], own ? "" : values.pipeline), presets.find((preset) => preset.name === values.pipeline)?.title),
      target && this.field("draw", t("steps.draw"), choice({ onchange: draw }, ["keypoints", "limbs", "both"].map((what) => [what, t(`steps.${what}`)]), drawn)),
      this.field("dtype", t("steps.dtype"), choice({ onchange: (event) => state.set({ dtype: event.target.value }) }, ["float32", "float16", "uint8"], values.dtype)),
      h("ol", { class: "cards" }, cards.map((card) => h("li", {}, card))),
      this.field("add", t("steps.add"), choice({ onchange: add }, [["", "+"], ...known.map((step) => step.type)], "")),
    ];
  }

  channelsSection() {
    return document.createElement("channel-list");
  }
}

/** A value that a required parameter may have, to begin with. */
function exampleOf(schema) {
  const [first] = schema.anyOf ?? [schema];
  return first.const ?? first.enum?.[0] ?? (first.type === "integer" ? Math.max(first.minimum ?? 1, 48) : 1);
}

customElements.define("clip-inspector", ClipInspector);
