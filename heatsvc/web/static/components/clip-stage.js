// The stage: the heatmap beside the skeleton, in one system of coordinates, and what is under the pointer.
import { css, INFERNO, paint, PARTS, partOf } from "../color.js";
import { Component, h } from "../dom.js";
import { model } from "../model.js";
import { state } from "../state.js";
import { number, t } from "../strings.js";
import { valueOf } from "../npy.js";

class ClipStage extends Component {
  render() {
    this.heatmap = h("canvas", { class: "pixels", role: "img" });
    this.skeleton = h("canvas", { role: "img" });
    this.marks = [0, 1].map(() => h("span", { class: "mark", hidden: true }));
    this.label = h("p", { class: "under-pointer", hidden: true });
    this.scale = h("canvas", { width: 256, height: 1, class: "pixels", "aria-hidden": "true" });
    this.range = h("span", { class: "range" }, "0", this.scale, "1");
    this.legend = h("ul", { class: "legend" });
    const panels = [this.heatmap, this.skeleton].map((canvas, index) =>
      h("figure", {}, h("figcaption", {}, t(index ? "stage.skeleton" : "stage.heatmap")), h("div", { class: "panel" }, canvas, this.marks[index])),
    );
    this.drop = h("p", { class: "hint" }, t("stage.drop"));
    return [
      h("div", { class: "panels empty" }, panels),
      h("div", { class: "scale" }, this.range, this.legend, this.drop),
      this.label,
    ];
  }

  connectedCallback() {
    super.connectedCallback();
    const { signal } = this.stop;
    model.addEventListener("volume", () => this.fit(), { signal });
    for (const name of ["loading", "problem"]) model.addEventListener(name, () => this.setBusy(), { signal });
    state.addEventListener("change", () => this.draw(), { signal });
    this.addEventListener("pointermove", (event) => this.point(event), { signal });
    this.addEventListener("pointerdown", (event) => this.point(event), { signal });
    this.addEventListener("pointerleave", () => this.point(null), { signal });
    this.resizing = new ResizeObserver(() => this.fit());
    this.resizing.observe(this);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.resizing.disconnect();
  }

  update() {
    super.update();
    const context = this.scale.getContext("2d");
    const image = context.createImageData(256, 1);
    for (let i = 0; i < 256; i++) image.data.set([...INFERNO.subarray(3 * i, 3 * i + 3), 255], 4 * i);
    context.putImageData(image, 0, 0);
    if (model.volume) this.fit();
    this.setBusy();
  }

  setBusy() {
    this.setAttribute("aria-busy", model.isLoading);
    this.classList.toggle("stale", Boolean(model.problem));
    this.drop.textContent = t(model.isSample ? "stage.sample" : "stage.drop");
  }

  /** Make both panels as large as they can be by a whole factor of the screen's pixels. */
  fit() {
    const { volume } = model;
    if (!volume) return;
    const ratio = devicePixelRatio;
    this.querySelector(".panels").classList.remove("empty");
    const panels = this.querySelector(".panels").getBoundingClientRect();
    const most = Math.min((panels.width - 12) / 2 / volume.width, (panels.height - 24) / volume.height) * ratio;
    this.factor = (most >= 1 ? Math.floor(most) : most) / ratio;
    for (const canvas of [this.heatmap, this.skeleton]) {
      canvas.style.width = `${volume.width * this.factor}px`;
      canvas.style.height = `${volume.height * this.factor}px`;
    }
    [this.heatmap.width, this.heatmap.height] = [volume.width, volume.height];
    this.skeleton.width = Math.round(volume.width * this.factor * ratio);
    this.skeleton.height = Math.round(volume.height * this.factor * ratio);
    this.image = this.heatmap.getContext("2d").createImageData(volume.width, volume.height);
    this.setBusy();
    this.draw();
  }

  draw() {
    const { volume, clip } = model;
    if (!volume || !this.image) return;
    const { frame, color } = state.values;
    const isByPart = color === "part";
    const colors = isByPart ? model.channels.map((name) => PARTS[partOf(name)]) : null;
    volume.compose(frame, model.shown);
    paint(this.image.data, volume.best.length, (i) => valueOf(volume.dtype, volume.best[i]), volume.which, colors);
    this.heatmap.getContext("2d").putImageData(this.image, 0, 0);
    this.heatmap.ariaLabel = t("stage.heatmap.label", { frame, name: clip.frame_dir || t("clip.nameless") });
    this.skeleton.ariaLabel = t("stage.skeleton.label", { frame });
    this.drawSkeleton(frame);
    this.range.hidden = isByPart;
    this.legend.replaceChildren(...this.parts());
    this.mark();
  }

  /** The legend of hues: the parts that there are. */
  parts() {
    const there = new Set(model.points.map(partOf));
    return Object.keys(PARTS)
      .filter((part) => there.has(part))
      .map((part) => {
        const swatch = h("i", {});
        swatch.style.background = css(PARTS[part]);
        return h("li", {}, swatch, t(`part.${part}`));
      });
  }

  drawSkeleton(frame) {
    const context = this.skeleton.getContext("2d");
    const size = this.factor * devicePixelRatio;
    const at = ({ x, y }) => [(x + 0.5) * size, (y + 0.5) * size];
    const drawn = model.clip.rendered.limbs.length ? model.clip.rendered.limbs : (model.layout?.limbs ?? []);
    context.clearRect(0, 0, this.skeleton.width, this.skeleton.height);
    context.lineCap = "round";
    for (const points of model.pointsAt(frame)) {
      const isThere = (point) => point && point.x !== null && point.score > 0;
      for (const [a, b] of drawn) {
        if (!isThere(points[a]) || !isThere(points[b])) continue;
        context.strokeStyle = css(PARTS[partOf(model.points[b])]);
        context.globalAlpha = 0.35 + 0.65 * Math.min(1, points[a].score, points[b].score);
        context.lineWidth = Math.max(1.25 * devicePixelRatio, size / 5);
        context.beginPath();
        context.moveTo(...at(points[a]));
        context.lineTo(...at(points[b]));
        context.stroke();
      }
      points.forEach((point, index) => {
        if (!isThere(point)) return;
        context.fillStyle = css(PARTS[partOf(model.points[index])]);
        context.globalAlpha = 0.35 + 0.65 * Math.min(1, point.score);
        context.beginPath();
        context.arc(...at(point), Math.max(1.75 * devicePixelRatio, size / 4), 0, 2 * Math.PI);
        context.fill();
      });
    }
    context.globalAlpha = 1;
  }

  /** Follow the pointer: the pixel that it is over, in either panel. */
  point(event) {
    const canvas = event?.target;
    const isPanel = canvas === this.heatmap || canvas === this.skeleton;
    this.pointed = isPanel
      ? { x: Math.floor(event.offsetX / this.factor), y: Math.floor(event.offsetY / this.factor), canvas }
      : null;
    this.mark();
  }

  /** Mark one place in both panels, with its label: the pointer's, or the peak of the channel that is chosen by key. */
  mark() {
    const { volume } = model;
    const { frame, channel } = state.values;
    let place = this.pointed;
    if (!place && channel) place = { ...volume.peak(frame, model.channels.indexOf(channel)), canvas: this.heatmap, channel };
    const isInside = place && place.x >= 0 && place.y >= 0 && place.x < volume?.width && place.y < volume.height;
    const isEmpty = place?.channel && !place.value;
    for (const mark of this.marks) {
      mark.hidden = !isInside || isEmpty;
      if (isInside) {
        mark.style.width = mark.style.height = `${Math.max(6, this.factor)}px`;
        mark.style.transform = `translate(${place.x * this.factor}px, ${place.y * this.factor}px)`;
      }
    }
    this.label.hidden = !isInside;
    if (!isInside) return;
    const { value, channel: found } = volume.at(place.x, place.y);
    const name = found >= 0 ? model.channels[found] : (place.channel ?? t("stage.nothing"));
    const facts = [number(value, 3), ...(isEmpty ? [] : [`x ${place.x}`, `y ${place.y}`]), t("stage.frame", { frame })];
    this.label.replaceChildren(h("b", {}, name), ...facts.map((fact) => h("span", {}, fact)));
    const [box, panel, own] = [this, place.canvas, this.label].map((each) => each.getBoundingClientRect());
    const left = panel.left - box.left + (place.x + 1) * this.factor + 10;
    const top = panel.top - box.top + (place.y + 1) * this.factor + 8;
    this.label.style.transform = `translate(${Math.max(4, Math.min(left, box.width - own.width - 4))}px, ${Math.min(top, box.height - own.height - 4)}px)`;
  }
}

customElements.define("clip-stage", ClipStage);
