// The channels by name: which are shown, each with its largest value over time and the frame of its lowest score.
import { css, groupOf, PARTS, partOf } from "../color.js";
import { Component, h } from "../dom.js";
import { model } from "../model.js";
import { isShown, showing, state } from "../state.js";
import { number, t } from "../strings.js";

const WIDTH = 64;
const HEIGHT = 16;

class ChannelList extends Component {
  static events = ["volume", "peaks"].map((name) => [model, name]);

  connectedCallback() {
    super.connectedCallback();
    state.addEventListener("change", () => this.show(), { signal: this.stop.signal });
  }

  update() {
    super.update();
    this.show();
  }

  render() {
    const { channels, groups } = model;
    const choose = (text, names) => h("button", { class: "chip", "data-names": names.join(","), onclick: () => state.set(showing(names, channels)) }, text);
    const colors = ["value", "part"].map((color) =>
      h("button", { class: "chip", "data-color": color, onclick: () => state.set({ color }) }, t(`color.${color}`)));
    this.rows = channels.map((name, index) => this.row(name, index));
    return [
      h("div", { class: "chips", role: "group", "aria-label": t("channels.color") }, h("span", { class: "quiet" }, t("channels.color")), colors),
      h("div", { class: "chips", role: "group", "aria-label": t("channels.show") },
        h("span", { class: "quiet" }, t("channels.show")),
        choose(t("channels.all"), channels),
        choose(t("channels.none"), []),
        groups.length > 1 && groups.map((group) => choose(t(`part.${group}`), channels.filter((name) => groupOf(name) === group)))),
      h("p", { class: "channels-head quiet" }, h("span", {}, t("channels.peak")), h("span", {}, t("channels.score"))),
      h("ul", { class: "channels" }, this.rows),
    ];
  }

  row(name, index) {
    const swatch = h("i", { "aria-hidden": "true" });
    swatch.style.background = css(PARTS[partOf(name)]);
    const box = h("input", { type: "checkbox", "data-field": `on ${name}`, "aria-label": t("channels.toggle", { name }), onchange: () => this.toggle(name, box.checked) });
    const alone = h("button", { class: "plain name", "data-field": `alone ${name}`, onclick: () => state.set({ channel: state.values.channel === name ? "" : name }), title: t("channels.alone", { name }) }, swatch, name);
    const line = h("canvas", { width: WIDTH * 2, height: HEIGHT * 2, "aria-hidden": "true" });
    if (model.peaks[index]?.length === model.volume?.frames) drawLine(line, model.peaks[index], css(PARTS[partOf(name)]));
    const lowest = model.volume && model.lowest(index);
    const text = lowest && `${number(lowest.value, 2)} @ ${lowest.frame}`;
    const label = t("channels.lowest", { name, text });
    const jump = lowest && h("button", { class: "plain lowest", "data-field": `lowest ${name}`, "aria-label": label, title: label, onclick: () => state.set({ frame: lowest.frame, channel: name }) }, text);
    return h("li", {}, box, alone, line, jump);
  }

  /** Which are shown, without making the rows anew: frames change 25 times a second. */
  show() {
    const { values } = state;
    const view = [values.on, values.off, values.channel, values.color, model.channels].join("|");
    if (view === this.shown && this.rows === this.shownRows) return;
    [this.shown, this.shownRows] = [view, this.rows];
    model.channels.forEach((name, index) => {
      const row = this.rows[index];
      if (!row) return;
      row.querySelector("input").checked = isShown({ ...values, channel: "" }, name);
      row.classList.toggle("hidden", !isShown(values, name));
      row.querySelector(".name").setAttribute("aria-pressed", values.channel === name);
      if (values.channel === name) row.scrollIntoView({ block: "nearest" });
    });
    const on = model.shown.map((index) => model.channels[index]).join(",");
    for (const chip of this.querySelectorAll(".chip")) {
      const isOn = chip.dataset.color ? chip.dataset.color === values.color : chip.dataset.names === on;
      chip.setAttribute("aria-pressed", isOn);
    }
  }

  toggle(name, isOn) {
    const all = model.channels;
    state.set(showing(all.filter((each) => (each === name ? isOn : isShown({ ...state.values, channel: "" }, each))), all));
  }
}

function drawLine(canvas, values, color) {
  const context = canvas.getContext("2d");
  const most = Math.max(1, ...values);
  context.strokeStyle = color;
  context.lineWidth = 2;
  context.beginPath();
  values.forEach((value, frame) =>
    context.lineTo((frame / Math.max(1, values.length - 1)) * (canvas.width - 2) + 1, canvas.height - 2 - (value / most) * (canvas.height - 4)));
  context.stroke();
}

customElements.define("channel-list", ChannelList);
