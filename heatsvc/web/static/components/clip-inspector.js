// The inspector: input, steps and channels, three sections that fold. Most of its controls are bound to the state.
import { Component, fillSelect, markField } from "../dom.js";
import { model } from "../model.js";
import { state } from "../state.js";
import { t } from "../strings.js";
import "./step-list.js";

class ClipInspector extends Component {
  connected() {
    const folded = innerWidth < 700 ? ".section" : innerHeight < 900 ? ".steps" : "none";
    for (const section of this.querySelectorAll(folded)) section.open = false;
    this.preset = this.querySelector(".preset");
    this.preset.onchange = () => this.preset.value && state.set({ pipeline: this.preset.value });
    this.draw = this.querySelector(".draw");
    this.draw.onchange = () => {
      const changes = { with_kp: this.draw.value !== "limbs", with_limb: this.draw.value !== "keypoints" };
      this.list.change("GeneratePoseTarget", changes);
    };
    this.list = this.querySelector("step-list");
    this.on(model, "catalogue list volume problem", () => this.update());
    this.on(state, "change", ({ detail }) => {
      if (detail.some((name) => name === "pipeline" || name === "select")) this.update();
      this.summarize();
    });
  }

  update() {
    const { values } = state;
    const { layouts, readLayout: read, clip, problem, findings } = model;
    const names = layouts.map((layout) => layout.name);
    const known = layouts.find((layout) => layout.name === read?.name);
    const selects = new Set([...(known?.contains ?? names), ...(values.select ? [values.select] : [])]);
    const asRead = t("input.layout.read", { name: read?.name ?? t("input.layout.unknown") });
    const all = t("input.select.all", { count: clip?.points ?? "" });
    const shape = clip?.img_shape?.join(" × ") ?? t("input.img_shape.example");
    const preset = model.preset(values.pipeline);
    const own = preset ? [] : [["", t("steps.own")]];
    fillSelect(this.querySelector("[data-bind=layout]"), [["", asRead], ...names], values.layout);
    fillSelect(this.querySelector("[data-bind=select]"), [["", all], ...selects], values.select);
    this.querySelector("[data-bind=img_shape]").placeholder = shape;
    fillSelect(this.preset, [...own, ...model.catalogue.presets.map(({ name }) => name)], preset?.name ?? "");
    this.querySelector(".title").textContent = t(`preset.${values.pipeline}`, {}, preset?.title ?? "");
    const target = this.list.steps?.find((step) => step.type === "GeneratePoseTarget");
    this.draw.parentElement.hidden = !target;
    if (target) this.draw.value = target.with_limb ? (target.with_kp === false ? "limbs" : "both") : "keypoints";
    this.summarize();
    // After step-list has rendered its cards.
    queueMicrotask(() => markField(this, problem?.field ?? ""));
    for (const { parentElement, dataset: { field } } of this.querySelectorAll(".input [data-field]"))
      parentElement.classList.toggle("doubtful", findings.some(({ option }) => option === field));
  }

  /** Write a summary beside the title of each section. */
  summarize() {
    const { pipeline, select } = state.values;
    const texts = {
      input: select || model.readLayout?.name,
      steps: pipeline.startsWith("[") ? t("steps.own") : pipeline,
      channels: model.volume && `${model.shown.length} / ${model.channels.length}`,
    };
    for (const [name, text] of Object.entries(texts))
      this.querySelector(`.${name} > summary .quiet`).textContent = text ?? "";
  }
}

customElements.define("clip-inspector", ClipInspector);
