// The list of channels: checkbox, name, largest value over time, lowest score and its frame.
import { css, groupOf } from "../color.js";
import { Component, h } from "../dom.js";
import { model } from "../model.js";
import { isShown, showing, state } from "../state.js";
import { number, t } from "../strings.js";

const [WIDTH, HEIGHT] = [128, 32];

class ChannelList extends Component {
  connected() {
    this.on(model, "volume peaks", () => this.update());
    this.on(state, "change", ({ detail }) => detail.some((name) => ["on", "channel"].includes(name)) && this.show());
  }

  update() {
    super.update();
    this.show();
  }

  render() {
    const { channels, names } = model;
    const choose = (text, some) =>
      h("button.chip", { "data-names": some.join(), onclick: () => state.set(showing(some, names)) }, text);
    const groups = Object.entries(Object.groupBy(channels, groupOf));
    this.rows = channels.map((channel, index) => this.row(channel, index));
    return [
      h("div.chips", { role: "group", "aria-label": t("channels.show") },
        h("span.quiet", t("channels.show")),
        choose(t("channels.all"), names),
        choose(t("channels.none"), []),
        groups.length > 1 && groups.map(([group, some]) => choose(t(`part.${group}`), some.map(({ name }) => name)))),
      h("p.channels-head.quiet", h("span", t("channels.peak")), h("span", t("channels.score"))),
      h("ul.channels", this.rows),
    ];
  }

  row({ name, color }, index) {
    const onchange = ({ target }) => this.toggle(name, target.checked);
    const shown = t("channels.toggle", { name });
    const showAlone = () => state.set({ channel: state.values.channel === name ? "" : name });
    const line = h("canvas", { width: WIDTH, height: HEIGHT, "aria-hidden": "true" });
    if (model.peaks[index]) drawLine(line.getContext("2d"), model.peaks[index], css(color));
    const lowest = model.lowest(index);
    const text = lowest && `${number(lowest.value, 2)} @ ${lowest.frame}`;
    const onclick = () => state.set({ frame: lowest.frame, channel: name });
    const label = t("channels.lowest", { name, text });
    const jump = { "data-key": `lowest ${name}`, "aria-label": label, title: label, onclick };
    return h("li", {},
      h("input", { type: "checkbox", "data-key": `on ${name}`, "aria-label": shown, onchange }),
      h("button.plain.name", { "data-key": `alone ${name}`, onclick: showAlone, title: t("channels.alone", { name }) },
        h("i", { "aria-hidden": "true", style: { background: css(color) } }), name),
      line,
      lowest && h("button.plain.lowest", jump, text));
  }

  /** Mark the channels that are shown. The rows are not replaced, so that a control in use stays. */
  show() {
    const { values } = state;
    this.rows.forEach((row, index) => {
      const name = model.names[index]; // of a clip whose rows are not there yet, until they are
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
  const [across, up] = [(WIDTH - 2) / Math.max(1, values.length - 1), (HEIGHT - 4) / Math.max(1, ...values)];
  const places = values.map((value, frame) => `${1 + frame * across} ${HEIGHT - 2 - value * up}`);
  Object.assign(context, { strokeStyle: color, lineWidth: 2 });
  context.stroke(new Path2D(`M${places.join("L")}`));
}

customElements.define("channel-list", ChannelList);
