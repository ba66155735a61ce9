// The stage: the heatmap and the skeleton, in the same coordinates, and a label for the pixel under the pointer.
import { css, INFERNO, paint, partKey } from "../color.js";
import { Component, h } from "../dom.js";
import { model } from "../model.js";
import { state } from "../state.js";
import { number, t } from "../strings.js";

class ClipStage extends Component {
  connected() {
    this.panels = this.querySelector(".panels");
    this.canvases = [...this.querySelectorAll("canvas")];
    this.marks = this.querySelectorAll(".mark");
    this.label = this.querySelector(".under-pointer");
    const colors = Array.from({ length: 16 }, (_, i) => css(INFERNO.subarray(51 * i, 51 * i + 3)));
    this.querySelector(".map").style.background = `linear-gradient(to right, ${colors})`;
    this.on(model, "volume", () => this.fit());
    this.on(model, "loading problem", () => this.setBusy());
    this.on(state, "change", () => this.draw());
    this.on(this, "pointermove pointerdown", (event) => this.point(event));
    this.on(this, "pointerleave", () => this.point(null));
    new ResizeObserver(() => this.fit()).observe(this.panels);
  }

  update() {
    this.setBusy();
    this.draw();
  }

  setBusy() {
    this.ariaBusy = String(model.isLoading);
    this.classList.toggle("stale", model.isStale);
    this.querySelector(".hint").textContent = t(model.isSample ? "stage.sample" : "stage.drop");
  }

  /** Scale both panels by the largest whole number of screen pixels per pixel of the map. */
  fit() {
    const { volume } = model;
    if (!volume) return;
    this.panels.classList.remove("empty");
    const { width, height } = this.panels.getBoundingClientRect();
    const most = Math.min((width - 12) / 2 / volume.width, (height - 24) / volume.height) * devicePixelRatio;
    this.size = most >= 1 ? Math.floor(most) : most; // screen pixels per pixel of the map
    this.factor = this.size / devicePixelRatio; // CSS pixels per pixel of the map
    Object.assign(this.canvases[0], { width: volume.width, height: volume.height });
    Object.assign(this.canvases[1], { width: volume.width * this.size, height: volume.height * this.size });
    const style = { width: `${volume.width * this.factor}px`, height: `${volume.height * this.factor}px` };
    for (const canvas of this.canvases) Object.assign(canvas.style, style);
    this.update();
  }

  draw() {
    const { volume, clip, channels } = model;
    if (!volume || !this.size) return;
    const { frame, color } = state.values;
    const [heatmap, skeleton] = this.canvases;
    const image = new ImageData(volume.width, volume.height);
    volume.compose(frame, model.shown);
    paint(image.data, volume, color === "part" ? channels.map((each) => each.color) : null);
    heatmap.getContext("2d").putImageData(image, 0, 0);
    heatmap.ariaLabel = t("stage.heatmap.label", { frame, name: clip.frame_dir || t("clip.nameless") });
    skeleton.ariaLabel = t("stage.skeleton.label", { frame });
    this.drawSkeleton(skeleton.getContext("2d"), frame);
    this.querySelector(".range").hidden = color === "part";
    this.showLegend([...channels, ...clip.rendered.points]);
    this.mark();
  }

  /** Show the color of each body part. */
  showLegend(parts) {
    const colors = new Map(parts.map((each) => [partKey(each), css(each.color)]).sort());
    const keys = [...colors.keys()].join();
    const legend = this.querySelector(".legend");
    if (legend.keys === keys && legend.lang === document.documentElement.lang) return;
    Object.assign(legend, { keys, lang: document.documentElement.lang });
    const item = ([key, background]) => h("li", h("i", { style: { background } }), t(key));
    legend.replaceChildren(...[...colors].map(item));
  }

  drawSkeleton(context, frame) {
    const { skeleton, points: parts } = model.clip.rendered;
    const place = ({ x, y }) => `${(x + 0.5) * this.size} ${(y + 0.5) * this.size}`;
    const thin = Math.max(1.25 * devicePixelRatio, this.size / 5);
    const thick = Math.max(3.5 * devicePixelRatio, this.size / 2);
    // A point is a line of length zero with round ends.
    const line = (color, lineWidth, ...points) => {
      if (!points.every((point) => point.x !== null && point.score > 0)) return;
      const globalAlpha = 0.35 + 0.65 * Math.min(1, ...points.map(({ score }) => score));
      Object.assign(context, { strokeStyle: css(color), lineWidth, globalAlpha, lineCap: "round" });
      context.stroke(new Path2D(`M${place(points[0])}L${place(points.at(-1))}`));
    };
    context.clearRect(0, 0, context.canvas.width, context.canvas.height);
    for (const points of model.pointsAt(frame)) {
      for (const { ends: [a, b], color } of skeleton) line(color, thin, points[a], points[b]);
      points.forEach((point, index) => line(parts[index].color, thick, point));
    }
  }

  /** Mark the pixel under the pointer. */
  point(event) {
    const canvas = event && this.canvases.find((each) => each === event.target);
    const at = (offset) => Math.floor(offset / this.factor);
    this.pointed = canvas ? { x: at(event.offsetX), y: at(event.offsetY), canvas } : null;
    this.mark();
  }

  /** Mark a pixel in both panels, with a label: the one under the pointer, or the peak of a channel shown alone. */
  mark() {
    const { volume, names } = model;
    const { frame, channel } = state.values;
    const peak = !this.pointed && channel && names.includes(channel) && volume.peak(frame, names.indexOf(channel));
    const place = this.pointed ?? (peak ? { ...peak, canvas: this.canvases[0] } : null);
    const isInside = place && place.x >= 0 && place.y >= 0 && place.x < volume?.width && place.y < volume.height;
    const isEmpty = peak && !peak.value;
    this.label.hidden = !isInside;
    for (const mark of this.marks) mark.hidden = !isInside || isEmpty;
    if (!isInside) return;
    const side = `${Math.max(6, this.factor)}px`;
    const box = { width: side, height: side, left: `${place.x * this.factor}px`, top: `${place.y * this.factor}px` };
    for (const mark of this.marks) {
      Object.assign(mark.style, box);
      mark.classList.toggle("labelled", mark.parentElement.contains(place.canvas));
    }
    const { value, channel: found } = volume.at(place.x, place.y);
    const name = names[found] ?? (channel || t("stage.nothing"));
    const facts = [number(value, 3), ...(isEmpty ? [] : [`x ${place.x}`, `y ${place.y}`]), t("stage.frame", { frame })];
    this.label.replaceChildren(h("b", name), ...facts.map((fact) => h("span", fact)));
  }
}

customElements.define("clip-stage", ClipStage);
