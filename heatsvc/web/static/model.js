// The clip on the page: files, what the service says of them, and the volume that it makes of them.
import { apiKey, Problem, request, requestJson } from "./api.js";
import { groupOf } from "./color.js";
import { isShown, optionsOf, state } from "./state.js";
import { t } from "./strings.js";
import { Volume } from "./volume.js";

const RENDERING = ["clip", "layout", "select", "img_shape", "coordinates", "project", "pipeline", "dtype"];
/** Of layouts with more points than these a smaller one is selected first: a volume of 553 channels is slow to look at. */
const MANY_POINTS = 150;

class Model extends EventTarget {
  files = [];
  isSample = false;
  layouts = []; // of the service
  catalogue = { steps: [], presets: [] };
  list = []; // the clips of the files
  clip = null; // the one on the page, with its points
  layout = null; // of its selected points
  channels = []; // names
  volume = null;
  peaks = []; // of each channel the largest raw numbers over time, as far as they are known
  response = null; // facts for the status line
  problem = null;
  findings = []; // what is impossible or doubtful in the clip's numbers
  isLoading = false;

  constructor() {
    super();
    state.addEventListener("change", ({ detail }) => {
      if (detail.some((name) => RENDERING.includes(name)) && this.files.length) {
        clearTimeout(this.waiting);
        this.waiting = setTimeout(() => this.refresh(), 150);
      }
    });
    apiKey.addEventListener("given", () => this.start());
  }

  tell(name) {
    this.dispatchEvent(new Event(name));
  }

  /** Ask for the catalogues, and show the sample unless there are files. */
  async start() {
    try {
      if (!this.files.length) await this.openSample();
      else await this.refresh();
      [this.layouts, this.catalogue] = await Promise.all(["layouts", "pipelines"].map((path) => requestJson(path)));
      this.tell("catalogue");
    } catch (error) {
      this.fail(error);
    }
  }

  async openSample() {
    const content = await (await request("static/sample.npz")).blob();
    if (!state.values.select && state.values.pipeline === "view") state.set({ select: "sign27" });
    await this.open([new File([content], "FIRE.npz")], true);
  }

  /** Show the first clip of some files, or the one of the state's name. */
  async open(files, isSample = false) {
    const wasSample = this.isSample;
    Object.assign(this, { files, isSample, list: [], problem: null, findings: [] });
    if (!isSample) state.set({ clip: "", frame: 0, on: "", off: "", channel: "", ...(wasSample && { select: "", layout: "" }) });
    clearTimeout(this.waiting);
    await this.refresh();
  }

  form(options) {
    const form = new FormData();
    for (const file of this.files) form.append("file", file, file.path ?? file.name);
    form.append("options", JSON.stringify(options));
    return form;
  }

  /** Ask for clip and heatmap again; what was asked for before is given up, and the old picture stays meanwhile. */
  async refresh() {
    this.asking?.abort();
    const { signal } = (this.asking = new AbortController());
    this.isLoading = true;
    this.tell("loading");
    try {
      const list = this.list.length ? null : await this.openList(signal);
      const options = optionsOf(state.values);
      // A clip that is named has its points, or a problem that says why not.
      const named = this.list[0].frame_dir && { frame_dir: this.list[0].frame_dir };
      const isSame = list?.clips[0].rendered && JSON.stringify(options) === list.asked;
      const [described, volume] = await Promise.allSettled([isSame ? list : this.ask("clips", { ...named, ...options }, signal), this.render(options, signal)]);
      if (signal.aborted) return;
      this.findings = described.value?.clips[0].findings ?? [];
      // What the list of clips says of a fault, the heatmap says too, and with its numbers judged.
      if (described.status === "rejected" || volume.status === "rejected") throw volume.reason ?? described.reason;
      this.show(described.value, volume.value);
    } catch (error) {
      if (error.name !== "AbortError" && !signal.aborted) this.fail(error);
    }
  }

  /** The list of clips, and from it the clip and the points to begin with. A single clip has its points already. */
  async openList(signal) {
    const given = optionsOf(state.values);
    const { frame_dir: wanted, ...options } = given;
    const found = await this.ask("clips", options, signal);
    const { clips, layouts } = found;
    this.list = clips;
    this.tell("list");
    const clip = clips.find((each) => each.frame_dir === wanted) ?? clips[0];
    const changes = { clip: clips.length > 1 ? clip.frame_dir : "" };
    const known = this.layouts.find((each) => each.name === layouts[clip.layout]?.name);
    const fitting = known?.contains.map((name) => this.layouts.find((each) => each.name === name)).filter((each) => each.count <= MANY_POINTS);
    if (!given.select && clip.points > MANY_POINTS && fitting?.length) changes.select = fitting.sort((a, b) => b.count - a.count)[0].name;
    state.set(changes);
    clearTimeout(this.waiting);
    return { ...found, asked: JSON.stringify(given) };
  }

  ask(path, options, signal) {
    return requestJson(path, { method: "POST", body: this.form(options), signal });
  }

  async render(options, signal) {
    const started = performance.now();
    const response = await request("heatmap", { method: "POST", body: this.form(options), signal, headers: { Accept: "application/x-npy" } });
    const buffer = await response.arrayBuffer();
    const entry = performance.getEntriesByType("resource").findLast((each) => each.name === response.url && each.startTime >= started - 1);
    performance.clearResourceTimings();
    const timing = response.headers.get("Server-Timing") ?? "";
    return {
      buffer,
      size: entry?.encodedBodySize || buffer.byteLength,
      coding: response.headers.get("Content-Encoding") ?? "identity",
      stages: [...timing.matchAll(/(\w+);dur=([\d.]+)/g)].map(([, stage, duration]) => [stage, Number(duration)]),
      seed: response.headers.get("X-Heatmap-Seed"),
    };
  }

  show({ clips: [clip], layouts }, { buffer, ...facts }) {
    const { rendered } = clip;
    const volume = new Volume(buffer, rendered.height, rendered.width);
    const layout = layouts[clip.selected_layout] ?? null;
    const points = layout?.points ?? rendered.keypoint_score[0][0].map((_, index) => String(index));
    const limbs = rendered.limbs.map(([a, b]) => `${points[a]}–${points[b]}`);
    const names = [...(rendered.with_kp ? points : []), ...limbs];
    const channels = names.length === volume.channels ? names : Array.from({ length: volume.channels }, (_, i) => String(i));
    Object.assign(this, { clip, layout, volume, channels, points, response: facts, problem: null, isLoading: false });
    this.readLayout = layouts[clip.layout] ?? null;
    const frame = Math.min(state.values.frame, volume.frames - 1);
    const changes = { frame: Math.max(0, Math.floor(frame)) };
    if (!channels.includes(state.values.channel)) changes.channel = "";
    if (!this.shown.length) Object.assign(changes, { on: "", off: "" });
    state.set(changes);
    this.tell("volume");
    this.findPeaks(volume);
  }

  fail(error) {
    if (!(error instanceof Problem)) console.error(error);
    this.problem = error instanceof Problem ? error : new Problem({ title: t("problem.page"), detail: String(error.message) });
    this.isLoading = false;
    this.tell("problem");
  }

  /** Indices of the channels that are shown. */
  get shown() {
    return this.channels.flatMap((name, index) => (isShown(state.values, name) ? [index] : []));
  }

  get groups() {
    return [...new Set(this.channels.map(groupOf))];
  }

  /** x, y and score of a point in a frame, in pixels of the map, of each person. */
  pointsAt(frame) {
    const { keypoint, keypoint_score: score } = this.clip.rendered;
    return keypoint.map((person, index) => person[frame].map(([x, y], point) => ({ x, y, score: score[index][frame][point] })));
  }

  /** The lowest score of a point over time, the persons' best: {value, frame}; null for limbs. */
  lowest(channel) {
    const { keypoint_score: scores, with_kp: hasPoints } = this.clip.rendered;
    if (!hasPoints || channel >= this.points.length || this.channels.length < this.points.length) return null;
    let found = { value: Infinity, frame: 0 };
    for (let frame = 0; frame < this.volume.frames; frame++) {
      const value = Math.max(...scores.map((person) => person[frame][channel]));
      if (value < found.value) found = { value, frame };
    }
    return found;
  }

  /** The largest value of each channel over time, some frames at a time, so that nothing else waits. */
  async findPeaks(volume) {
    const peaks = Array.from({ length: volume.channels }, () => new Float32Array(volume.frames));
    let pause = performance.now() + 12;
    for (let frame = 0; frame < volume.frames; frame++) {
      for (let channel = 0; channel < volume.channels; channel++) peaks[channel][frame] = volume.peak(frame, channel).value;
      if (performance.now() > pause) {
        await new Promise((resolve) => setTimeout(resolve, 4));
        if (this.volume !== volume) return;
        pause = performance.now() + 12;
      }
    }
    this.peaks = peaks;
    this.tell("peaks");
  }
}

export const model = new Model();
