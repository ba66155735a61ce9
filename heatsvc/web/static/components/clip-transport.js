// The play button, the scrubber, the speed, and their keys.
import { Component, isTextInput } from "../dom.js";
import { model } from "../model.js";
import { state } from "../state.js";
import { joined, t } from "../strings.js";

const FPS = 25;

class ClipTransport extends Component {
  isPlaying = false;

  connected() {
    this.play = this.querySelector(".play");
    this.scrubber = this.querySelector("input");
    this.play.onclick = () => this.toggle();
    this.scrubber.oninput = () => this.go(Number(this.scrubber.value));
    this.on(state, "change", ({ detail }) => {
      if (detail.includes("speed")) this.toggle(this.isPlaying);
      else if (detail.includes("tab")) this.toggle(false);
      else this.update();
    });
    this.on(document, "keydown", (event) => this.press(event));
    this.on(model, "volume", () => this.begin());
    this.on(model, "problem", () => model.isStale && this.toggle(false));
  }

  /** Play a new clip, unless the user prefers reduced motion or the address names a frame. */
  begin() {
    const clip = model.clip.frame_dir + model.files[0].name;
    const isNew = this.clip !== clip;
    this.clip = clip;
    if (isNew && !state.values.frame && !matchMedia("(prefers-reduced-motion: reduce)").matches) this.toggle(true);
    this.update();
  }

  update() {
    const { volume, clip } = model;
    this.play.textContent = this.isPlaying ? "❚❚" : "▶";
    this.play.ariaLabel = t(this.isPlaying ? "transport.pause" : "transport.play");
    this.play.disabled = this.scrubber.disabled = !volume || volume.frames < 2;
    if (!volume) return;
    const { frame } = state.values;
    const last = volume.frames - 1;
    const source = clip.rendered.frame_inds[frame];
    const text = joined(
      t("transport.place", { frame, last }),
      volume.clips > 1 && t("transport.clip", { clip: Math.floor(frame / volume.length), clips: volume.clips }),
      (source ?? frame) !== frame && t("transport.source", { source }));
    Object.assign(this.scrubber, { max: last, value: frame, ariaValueText: text });
    this.querySelector(".place").textContent = text;
  }

  toggle(isPlaying = !this.isPlaying) {
    clearInterval(this.timer);
    this.isPlaying = isPlaying;
    const { speed } = state.values;
    const step = Math.max(1, Math.round(speed));
    const play = () => document.hidden || state.set({ frame: (state.values.frame + step) % model.volume.frames });
    if (isPlaying) this.timer = setInterval(play, (1000 / FPS / speed) * step);
    this.update();
  }

  go(frame) {
    this.toggle(false);
    state.set({ frame: (frame + model.volume.frames) % model.volume.frames });
  }

  /** Show the previous or next channel alone. */
  changeChannel(by) {
    const { names } = model;
    const index = names.indexOf(state.values.channel);
    state.set({ channel: names.at(index < 0 && by < 0 ? -1 : (index + by) % names.length) });
  }

  press(event) {
    const { key, target } = event;
    const isAway = state.values.tab !== "clip" || document.querySelector("dialog[open], :popover-open");
    if (event.ctrlKey || event.metaKey || event.altKey || isTextInput(target) || isAway || !model.volume) return;
    if (target.matches("[type=radio]") && key.startsWith("Arrow")) return;
    // The dialog may receive the event of the key that closed it.
    const isButton = target.matches("button, a, summary, label, input:not([type=range])") && !target.closest("dialog");
    if (isButton && key === " ") return;
    const actions = {
      " ": () => this.toggle(),
      ArrowLeft: () => this.go(state.values.frame - 1),
      ArrowRight: () => this.go(state.values.frame + 1),
      Home: () => this.go(0),
      End: () => this.go(-1),
      "[": () => this.changeChannel(-1),
      "]": () => this.changeChannel(1),
      Escape: () => state.set({ channel: "" }),
    };
    if (!(key in actions)) return;
    actions[key]();
    event.preventDefault();
  }
}

customElements.define("clip-transport", ClipTransport);
