// Play, scrubber, speed; and the keys that do the same.
import { choice, Component, h } from "../dom.js";
import { model } from "../model.js";
import { state } from "../state.js";
import { t } from "../strings.js";

const FPS = 25;
const SPEEDS = ["0.25", "0.5", "1", "2", "4"];

class ClipTransport extends Component {
  isPlaying = false;

  render() {
    this.play = h("button", { class: "play", onclick: () => this.toggle() });
    this.scrubber = h("input", {
      type: "range",
      min: 0,
      "aria-label": t("transport.frame"),
      oninput: ({ target }) => this.go(Number(target.value)),
    });
    this.place = h("output", { class: "place" });
    const speeds = choice(
      { "aria-label": t("transport.speed"), onchange: (event) => state.set({ speed: Number(event.target.value) }) },
      SPEEDS.map((speed) => [speed, `${speed}×`]),
      String(state.values.speed),
    );
    return [this.play, this.scrubber, this.place, speeds, h("span", { class: "quiet" }, `${FPS} fps`)];
  }

  connectedCallback() {
    super.connectedCallback();
    const { signal } = this.stop;
    state.addEventListener("change", () => this.show(), { signal });
    document.addEventListener("keydown", (event) => this.press(event), { signal });
    model.addEventListener("volume", () => this.begin(), { signal });
    model.addEventListener("problem", () => this.pause(), { signal });
  }

  update() {
    super.update();
    this.show();
  }

  /** Play what is new, unless motion is not wanted or the address names a frame. */
  begin() {
    if (this.clip !== model.clip.frame_dir + model.files[0]?.name) {
      this.clip = model.clip.frame_dir + model.files[0]?.name;
      if (!state.values.frame && !matchMedia("(prefers-reduced-motion: reduce)").matches && !this.isPlaying) this.toggle();
    }
    this.show();
  }

  show() {
    const { volume, clip } = model;
    this.play.replaceChildren(this.isPlaying ? "❚❚" : "▶");
    this.play.ariaLabel = t(this.isPlaying ? "transport.pause" : "transport.play");
    this.play.disabled = this.scrubber.disabled = !volume || volume.frames < 2;
    if (!volume) return;
    const { frame } = state.values;
    this.scrubber.max = volume.frames - 1;
    this.scrubber.value = frame;
    const source = clip.rendered.frame_inds[frame];
    const parts = [t("transport.place", { frame, last: volume.frames - 1 })];
    if (volume.clips > 1) parts.push(t("transport.clip", { clip: Math.floor(frame / volume.length), clips: volume.clips }));
    if (source !== undefined && source !== frame) parts.push(t("transport.source", { source }));
    this.place.textContent = parts.join(" · ");
    this.scrubber.setAttribute("aria-valuetext", this.place.textContent);
  }

  toggle() {
    if (this.isPlaying) return this.pause();
    this.isPlaying = true;
    let last = performance.now();
    const tick = (now) => {
      if (!this.isPlaying || !this.isConnected) return;
      const step = Math.floor(((now - last) / 1000) * FPS * state.values.speed);
      if (step > 0 && model.volume) {
        last += (step * 1000) / FPS / state.values.speed;
        if (now - last > 1000) last = now;
        state.set({ frame: (state.values.frame + step) % model.volume.frames });
      }
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
    this.show();
  }

  pause() {
    this.isPlaying = false;
    this.show();
  }

  go(frame) {
    this.pause();
    state.set({ frame: (frame + model.volume.frames) % model.volume.frames });
  }

  /** `[` and `]`: the channel before or after the one that is shown alone. */
  changeChannel(by) {
    const { channels } = model;
    const index = channels.indexOf(state.values.channel);
    state.set({ channel: channels[(index < 0 ? (by > 0 ? 0 : -1) : index + by + channels.length) % channels.length] ?? channels.at(-1) });
  }

  press(event) {
    const isText = event.target.matches("input:not([type=range], [type=checkbox]), select, textarea, [role=menu] *");
    const isButton = event.target.matches("button, a, summary, input[type=checkbox]");
    if (event.ctrlKey || event.metaKey || event.altKey || isText || !model.volume || document.querySelector("dialog[open]") || state.values.tab !== "clip") return;
    const actions = {
      " ": () => !isButton && this.toggle(),
      ArrowLeft: () => this.go(state.values.frame - 1),
      ArrowRight: () => this.go(state.values.frame + 1),
      Home: () => this.go(0),
      End: () => this.go(-1),
      "[": () => this.changeChannel(-1),
      "]": () => this.changeChannel(1),
      Escape: () => state.set({ channel: "" }),
    };
    if (!(event.key in actions) || actions[event.key]() === false) return;
    event.preventDefault();
  }
}

customElements.define("clip-transport", ClipTransport);
