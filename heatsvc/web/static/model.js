// The clip on the page: its files, and the responses of the service to them: clips, findings, volume.
import { apiKey, Problem, request, requestJson } from "./api.js";
import { formOf, sizeOf, withoutHidden } from "./files.js";
import { isShown, optionsOf, state } from "./state.js";
import { t } from "./strings.js";
import { Volume } from "./volume.js";

const RENDERING = ["clip", "layout", "select", "img_shape", "coordinates", "project", "pipeline", "dtype"];
/** A clip with more points is first shown with a smaller layout selected: a volume of 553 channels is slow. */
const MANY_POINTS = 150;
const EARLY_BYTES = 4e6;

class Model extends EventTarget {
  files = []; // [{name, file}]
  isSample = false;
  layouts = []; // of the service
  catalogue = { steps: [], presets: [] };
  list = []; // clips of the files
  clip = null; // the one on the page, with its points
  readLayout = null; // of its points in the file
  channels = []; // of the volume, [{name, part, side, color}]
  volume = null;
  peaks = []; // largest value of each channel in each frame, as far as it was computed
  response = null; // size, coding, stages and seed of the response, for the status line
  problem = null;
  findings = []; // what is impossible or doubtful in the clip's numbers
  isLoading = false;
  isStale = false; // whether the last request failed, so that the picture is an older one

  constructor() {
    super();
    state.addEventListener("change", ({ detail }) => {
      if (!this.files.length || !detail.some((name) => RENDERING.includes(name))) return;
      clearTimeout(this.waiting);
      this.waiting = setTimeout(() => this.refresh(), 150);
      this.change("loading", { isLoading: true });
    });
    apiKey.addEventListener("given", () => this.start());
  }

  notify(event) {
    this.dispatchEvent(new Event(event));
  }

  /** Change some properties, and dispatch an event. */
  change(event, properties) {
    Object.assign(this, properties);
    this.notify(event);
  }

  /** Request layouts, steps and presets, and show the sample unless there are files. */
  async start() {
    await this.attempt(async () => {
      if (this.files.length) await this.refresh();
      else await this.openSample();
      [this.layouts, this.catalogue] = await Promise.all(["layouts", "pipelines"].map((path) => requestJson(path)));
      this.notify("catalogue");
    });
  }

  async openSample() {
    const file = await (await request("static/sample.npz")).blob();
    if (!state.values.select && state.values.pipeline === "view") state.set({ select: "sign27" });
    await this.open([{ name: "FIRE.npz", file }], true);
  }

  /** Show the first clip of some files, or the one that the state names. */
  async open(files, isSample = false) {
    const kept = withoutHidden(files);
    if (!kept.length) return;
    const ofSample = this.isSample && { select: "", layout: "" };
    Object.assign(this, { files: kept, isSample, list: [], problem: null, findings: [] });
    if (!isSample) state.set({ clip: "", frame: 0, on: "", channel: "", ...ofSample });
    clearTimeout(this.waiting);
    await this.refresh();
  }

  /** POST the files with some options; `fetch`'s response. */
  post(path, options, init) {
    return request(path, { method: "POST", body: formOf({ file: this.files }, options), ...init });
  }

  /** The response of POST /clips. */
  async describe(options, signal) {
    return (await this.post("clips", options, { signal })).json();
  }

  /** Request clip and heatmap again. Earlier requests are aborted, and the old picture stays until both are there. */
  async refresh() {
    this.asking?.abort();
    const { signal } = (this.asking = new AbortController());
    this.change("loading", { isLoading: true });
    await this.attempt(async () => {
      const given = optionsOf(state.values);
      // The heatmap of a small file is requested at once: it is the right one unless the file has several clips.
      const early = new AbortController();
      const isEarly = !this.list.length && sizeOf(this.files) < EARLY_BYTES;
      const heatmap = isEarly ? this.render(given, AbortSignal.any([signal, early.signal])) : null;
      heatmap?.catch(() => {}); // its error is handled below
      const listed = this.list.length ? null : await this.openList(given, signal);
      const options = optionsOf(state.values);
      // A list of several clips has no points: the clip is requested by its name.
      const { frame_dir } = this.list[0];
      const isListed = listed?.clips[0].rendered && JSON.stringify(options) === JSON.stringify(given);
      if (!isListed) early.abort();
      const [described, volume] = await Promise.allSettled([
        isListed ? listed : this.describe({ ...(frame_dir && { frame_dir }), ...options }, signal),
        (isListed && heatmap) || this.render(options, signal),
      ]);
      if (signal.aborted) return;
      this.findings = described.value?.clips[0].findings ?? [];
      // If both failed, the problem of the heatmap says more: its numbers were checked.
      if (described.reason || volume.reason) throw volume.reason ?? described.reason;
      this.show(described.value, volume.value);
    });
  }

  /** Request the list of clips, and choose the clip and the layout to begin with. */
  async openList({ frame_dir: wanted, ...options }, signal) {
    const found = await this.describe(options, signal);
    const { clips, layouts } = found;
    const clip = clips.find((each) => each.frame_dir === wanted) ?? clips[0];
    this.list = clips;
    this.notify("list");
    const contained = layouts[clip.layout]?.contains ?? [];
    const fitting = this.layouts.filter(({ name, count }) => count <= MANY_POINTS && contained.includes(name));
    const select = !options.select && clip.points > MANY_POINTS && fitting.sort((a, b) => b.count - a.count)[0]?.name;
    state.set({ clip: clips.length > 1 ? clip.frame_dir : "", ...(select && { select }) });
    clearTimeout(this.waiting);
    return found;
  }

  async render(options, signal) {
    const started = performance.now();
    const response = await this.post("heatmap", options, { signal, headers: { Accept: "application/x-npy" } });
    const buffer = await response.arrayBuffer();
    const entries = performance.getEntriesByType("resource");
    const entry = entries.findLast((each) => each.name === response.url && each.startTime >= started - 1);
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

  show({ clips: [clip], layouts }, { buffer, ...response }) {
    const { height, width, channels } = clip.rendered;
    const volume = new Volume(buffer, height, width);
    const readLayout = layouts[clip.layout] ?? null;
    Object.assign(this, { clip, readLayout, channels, volume, response, peaks: [] });
    Object.assign(this, { problem: null, isStale: false, isLoading: false });
    state.set({
      frame: Math.max(0, Math.floor(Math.min(state.values.frame, volume.frames - 1))),
      ...(!this.names.includes(state.values.channel) && { channel: "" }),
    });
    if (!this.shown.length) state.set({ on: "" });
    this.notify("volume");
    this.findPeaks(volume);
  }

  /** Call a function. If it fails, show the problem; `isStale`: the function was to replace the picture. */
  async attempt(work, isStale = true) {
    if (!this.isStale) this.change("problem", { problem: null });
    try {
      await work();
    } catch (error) {
      if (error.name !== "AbortError") this.fail(error, isStale);
    }
  }

  fail(error, isStale = true) {
    const isKnown = error instanceof Problem;
    if (!isKnown) console.error(error);
    const problem = isKnown ? error : new Problem({ title: t("problem.page"), detail: error.message });
    this.change("problem", { problem, isStale, isLoading: false });
  }

  /** The preset of that name; undefined for a list of steps. */
  preset(name) {
    return this.catalogue.presets.find((preset) => preset.name === name);
  }

  get names() {
    return this.channels.map(({ name }) => name);
  }

  /** Indices of the channels that are shown. */
  get shown() {
    return this.channels.flatMap(({ name }, index) => (isShown(state.values, name) ? [index] : []));
  }

  /** [{x, y, score}] of each person in a frame, in pixels of the map. */
  pointsAt(frame) {
    const { keypoint, keypoint_score: score } = this.clip.rendered;
    return keypoint.map((person, i) => person[frame].map(([x, y], point) => ({ x, y, score: score[i][frame][point] })));
  }

  /** The lowest score of a keypoint over time, the best person's in each frame: {value, frame}; null for a limb. */
  lowest(channel) {
    const { keypoint_score: scores, points } = this.clip.rendered;
    if (points[channel]?.name !== this.channels[channel].name) return null;
    const best = scores[0].map((_, frame) => Math.max(...scores.map((person) => person[frame][channel])));
    const value = Math.min(...best);
    return { value, frame: best.indexOf(value) };
  }

  /** Compute `peaks` a few frames at a time, so that the page does not freeze. */
  async findPeaks(volume) {
    const peaks = this.channels.map(() => []);
    for (let frame = 0; frame < volume.frames && this.volume === volume; frame++) {
      peaks.forEach((values, channel) => values.push(volume.peak(frame, channel).value));
      if (frame % 4 === 3) await new Promise((resolve) => setTimeout(resolve));
    }
    if (this.volume === volume) this.change("peaks", { peaks });
  }
}

export const model = new Model();
