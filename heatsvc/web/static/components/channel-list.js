// The channels by name: which are shown, each with its largest value over time and the frame of its lowest score.
import { css, groupOf } from "../color.js";
import { Component, h } from "../dom.js";
import { model } from "../model.js";
import { isShown, showing, state } from "../state.js";
import { number, t } from "../strings.js";

const [WIDTH, HEIGHT] = [128, 32];

class ChannelList extends Component {
  connected() {
    this.on(model, "volume peaks", () => this.update());
    this.on(state, "change", ({ detail }) => detail.some((name) => ["on", "off", "channel"].includes(name)) && this.show());
  }

  update() {
    super.update();
    this.show();
  }

  render() {
    const { channels, names } = model;
    const choose = (text, some) => h("button", { class: "chip", "data-names": some.join(","), onclick: () => state.set(showing(some, names)) }, text);
    const groups = Object.entries(Object.groupBy(channels, groupOf));
    this.rows = channels.map((channel, index) => this.row(channel, index));
    return [
      h("div", { class: "chips", role: "group", "aria-label": t("channels.show") },
        h("span", { class: "quiet" }, t("channels.show")),
        choose(t("channels.all"), names),
        choose(t("channels.none"), []),
        groups.length > 1 && groups.map(([group, some]) => choose(t(`part.${group}`), some.map(({ name }) => name)))),
      h("p", { class: "channels-head quiet" }, h("span", {}, t("channels.peak")), h("span", {}, t("channels.score"))),
      h("ul", { class: "channels" }, this.rows),
    ];
  }

  row({ name, color }, index) {
    const box = h("input", { type: "checkbox", "data-key": `on ${name}`, "aria-label": t("channels.toggle", { name }), onchange: () => this.toggle(name, box.checked) });
    const showAlone = () => state.set({ channel: state.values.channel === name ? "" : name });
    const line = h("canvas", { width: WIDTH, height: HEIGHT, "aria-hidden": "true" });
    if (model.peaks[index]) drawLine(line.getContext("2d"), model.peaks[index], css(color));
    const lowest = model.lowest(index);
    const text = lowest && `${number(lowest.value, 2)} @ ${lowest.frame}`;
    const label = t("channels.lowest", { name, text });
    const jump = () => state.set({ frame: lowest.frame, channel: name });
    return h("li", {},
      box,
      h("button", { class: "plain name", "data-key": `alone ${name}`, onclick: showAlone, title: t("channels.alone", { name }) },
        h("i", { "aria-hidden": "true", style: { background: css(color) } }), name),
      line,
      lowest && h("button", { class: "plain lowest", "data-key": `lowest ${name}`, "aria-label": label, title: label, onclick: jump }, text));
  }

  /** Which are shown, without making the rows anew: a control that is being used stays. */
  show() {
    const { values } = state;
    model.names.forEach((name, index) => {
      const row = this.rows[index];
      row.querySelector("input").checked = isShown({ ...values, channel: "" }, name);
      row.classList.toggle("hidden", !isShown(values, name));
      row.querySelector(".name").ariaPressed = values.channel === name;
      if (values.channel === name) row.scrollIntoView({ block: "nearest" });
    });
    const on = model.shown.map((index) => model.names[index]).join(",");
    for (const chip of this.querySelectorAll(".chip")) chip.ariaPressed = chip.dataset.names === on;
  }

  toggle(name, isOn) {
    const isIn = (each) => (each === name ? isOn : isShown({ ...state.values, channel: "" }, each));
    state.set(showing(model.names.filter(isIn), model.names));
  }
}

function drawLine(context, values, color) {
  const most = Math.max(1, ...values);
  Object.assign(context, { strokeStyle: color, lineWidth: 2 });
  context.beginPath();
  values.forEach((value, frame) =>
    context.lineTo((frame / Math.max(1, values.length - 1)) * (WIDTH - 2) + 1, HEIGHT - 2 - (value / most) * (HEIGHT - 4)));
  context.stroke();
}

customElements.define("channel-list", ChannelList);
