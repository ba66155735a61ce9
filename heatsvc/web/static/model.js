// The clip on the page: files, what the service says of them, and the volume that it makes of them.
import { apiKey, Problem, request, requestJson } from "./api.js";
import { formOf, withoutHidden } from "./files.js";
import { isShown, optionsOf, state } from "./state.js";
import { t } from "./strings.js";
import { Volume } from "./volume.js";

const RENDERING = ["clip", "layout", "select", "img_shape", "coordinates", "project", "pipeline", "dtype"];
/** Of layouts with more points a smaller one is selected first: a volume of 553 channels is slow to look at. */
const MANY_POINTS = 150;
const EARLY_BYTES = 4e6;

class Model extends EventTarget {
  files = []; // [{name, file}]
  isSample = false;
  layouts = []; // of the service
  catalogue = { steps: [], presets: [] };
  list = []; // the clips of the files
  clip = null; // the one on the page, with its points
  readLayout = null; // of its points in the file
  channels = []; // of the volume: [{name, part, side, color}]
  volume = null;
  peaks = []; // of each channel the largest values over time, as far as they are known
  response = null; // facts for the status line
  problem = null;
  findings = []; // what is impossible or doubtful in the clip's numbers
  isLoading = false;
  isStale = false; // the picture is that of a request before the one that failed

  constructor() {
    super();
    state.addEventListener("change", ({ detail }) => {
      if (!this.files.length || !detail.some((name) => RENDERING.includes(name))) return;
      clearTimeout(this.waiting);
      this.waiting = setTimeout(() => this.refresh(), 150);
      Object.assign(this, { isLoading: true }).tell("loading");
    });
    apiKey.addEventListener("given", () => this.start());
  }

  tell(name) {
    this.dispatchEvent(new Event(name));
  }

  /** Ask for the catalogues, and show the sample unless there are files. */
  async start() {
    await this.attempt(async () => {
      if (this.files.length) await this.refresh();
      else await this.openSample();
      [this.layouts, this.catalogue] = await Promise.all(["layouts", "pipelines"].map((path) => requestJson(path)));
      this.tell("catalogue");
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
    const start = { clip: "", frame: 0, on: "", channel: "", ...(this.isSample && { select: "", layout: "" }) };
    Object.assign(this, { files: kept, isSample, list: [], problem: null, findings: [] });
    if (!isSample) state.set(start);
    clearTimeout(this.waiting);
    await this.refresh();
  }

  post(path, options, init) {
    return request(path, { method: "POST", body: formOf({ file: this.files }, options), ...init });
  }

  async describe(options, signal) {
    return (await this.post("clips", options, { signal })).json();
  }

  /** Ask for clip and heatmap again; what was asked for before is given up, and the old picture stays meanwhile. */
  async refresh() {
    this.asking?.abort();
    const { signal } = (this.asking = new AbortController());
    Object.assign(this, { isLoading: true }).tell("loading");
    await this.attempt(async () => {
      const given = optionsOf(state.values);
      // Of a small file the heatmap is asked for at once: it is the right one unless there are several clips.
      const early = new AbortController();
      const isEarly = !this.list.length && this.files.reduce((sum, { file }) => sum + file.size, 0) < EARLY_BYTES;
      const heatmap = isEarly ? this.render(given, AbortSignal.any([signal, early.signal])) : null;
      heatmap?.catch(() => {}); // its error is looked at below
      const listed = this.list.length ? null : await this.openList(given, signal);
      const options = optionsOf(state.values);
      // A clip that is named has its points, or a problem that says why not. A single one had them already.
      const { frame_dir } = this.list[0];
      const isListed = listed?.clips[0].rendered && JSON.stringify(options) === JSON.stringify(given);
      if (!isListed) early.abort();
      const [described, volume] = await Promise.allSettled([
        isListed ? listed : this.describe({ ...(frame_dir && { frame_dir }), ...options }, signal),
        (isListed && heatmap) || this.render(options, signal),
      ]);
      if (signal.aborted) return;
      this.findings = described.value?.clips[0].findings ?? [];
      // What the list of clips says of a fault, the heatmap says too, and with its numbers judged.
      if (described.reason || volume.reason) throw volume.reason ?? described.reason;
      this.show(described.value, volume.value);
    });
  }

  /** The list of clips, and from it the clip and the points to begin with. */
  async openList({ frame_dir: wanted, ...options }, signal) {
    const found = await this.describe(options, signal);
    const { clips, layouts } = found;
    const clip = clips.find((each) => each.frame_dir === wanted) ?? clips[0];
    this.list = clips;
    this.tell("list");
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
    this.tell("volume");
    this.findPeaks(volume);
  }

  /** Do some work; why it fails is a problem under the picture, which is stale where the work was to replace it. */
  async attempt(work, isStale = true) {
    if (!this.isStale) Object.assign(this, { problem: null }).tell("problem");
    try {
      await work();
    } catch (error) {
      if (error.name !== "AbortError") this.fail(error, isStale);
    }
  }

  fail(error, isStale = true) {
    if (!(error instanceof Problem)) console.error(error);
    const isKnown = error instanceof Problem;
    const problem = isKnown ? error : new Problem({ title: t("problem.page"), detail: error.message });
    Object.assign(this, { problem, isStale, isLoading: false }).tell("problem");
  }

  get names() {
    return this.channels.map(({ name }) => name);
  }

  /** Indices of the channels that are shown. */
  get shown() {
    return this.channels.flatMap(({ name }, index) => (isShown(state.values, name) ? [index] : []));
  }

  /** x, y and score of each point in a frame, in pixels of the map, of each person. */
  pointsAt(frame) {
    const { keypoint, keypoint_score: score } = this.clip.rendered;
    return keypoint.map((person, i) => person[frame].map(([x, y], point) => ({ x, y, score: score[i][frame][point] })));
  }

  /** The lowest score of a point over time, the persons' best: {value, frame}; null of other channels. */
  lowest(channel) {
    const { keypoint_score: scores, points } = this.clip.rendered;
    if (points[channel]?.name !== this.channels[channel].name) return null;
    const best = scores[0].map((_, frame) => Math.max(...scores.map((person) => person[frame][channel])));
    const value = Math.min(...best);
    return { value, frame: best.indexOf(value) };
  }

  /** The largest value of each channel over time, a frame at a time, so that nothing else waits. */
  async findPeaks(volume) {
    const peaks = this.channels.map(() => []);
    for (let frame = 0; frame < volume.frames && this.volume === volume; frame++) {
      peaks.forEach((values, channel) => values.push(volume.peak(frame, channel).value));
      if (frame % 4 === 3) await new Promise((resolve) => setTimeout(resolve));
    }
    if (this.volume === volume) Object.assign(this, { peaks }).tell("peaks");
  }
}

export const model = new Model();
