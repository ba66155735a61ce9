// The state of the page, which is kept in the fragment of the address, so that a link shows the same view.

export const DEFAULTS = {
  tab: "clip",
  clip: "", // frame_dir of the clip among several
  layout: "",
  select: "",
  img_shape: "", // "1080,1920"
  coordinates: "pixels",
  project: "",
  pipeline: "view", // a preset's name, or the JSON of a list of steps
  dtype: "float16",
  color: "value", // value or part
  on: "", // names of the channels that are shown, all if empty
  channel: "", // the only one that is shown
  frame: 0,
  speed: 1,
  build: "", // id of the build that is shown
};

/** Parse a fragment, "#/clip?select=sign27&frame=37". Unknown names and invalid numbers are ignored. */
export function parseFragment(fragment) {
  const [, tab, query] = /^#?\/?(\w*)\??(.*)$/s.exec(fragment) ?? [];
  const state = { ...DEFAULTS, tab: tab === "dataset" ? "dataset" : "clip" };
  for (const [name, text] of new URLSearchParams(query)) {
    if (!Object.hasOwn(DEFAULTS, name) || name === "tab") continue;
    const value = typeof DEFAULTS[name] === "number" ? Number(text) : text;
    const isValid = { frame: value >= 0 && value % 1 === 0, speed: value > 0 && value <= 100 };
    if (isValid[name] ?? true) state[name] = value;
  }
  return state;
}

/** Format a state as a fragment, without values that are defaults. */
export function formatFragment(state) {
  const given = Object.entries(state).filter(([name, value]) => name !== "tab" && value !== DEFAULTS[name]);
  const query = new URLSearchParams(given).toString().replaceAll("%2C", ",");
  return `#/${state.tab}${query && "?"}${query}`;
}

/** The options of POST /heatmap for a state. */
export function optionsOf(state) {
  const options = { pipeline: pipelineOf(state), dtype: state.dtype };
  const shape = /^\s*(\d+)(?:\s*[,x×*]\s*|\s+)(\d+)\s*$/.exec(state.img_shape);
  if (state.select) options.select = /^\d/.test(state.select) ? state.select.split(",").map(Number) : state.select;
  if (state.layout) options.layout = state.layout;
  if (shape) options.img_shape = [Number(shape[1]), Number(shape[2])];
  if (state.coordinates !== DEFAULTS.coordinates) options.coordinates = state.coordinates;
  if (state.project) options.project = state.project;
  if (state.clip) options.frame_dir = state.clip;
  return options;
}

/** The option `picture` that looks like the view; undefined for media types of arrays. */
export function pictureOf(state, type, others = {}) {
  if (!/^(image|video)/.test(type)) return undefined;
  const mode = state.channel ? "channel" : state.color === "part" ? "joint" : "max";
  const fps = Math.max(1, Math.min(60, 25 * state.speed));
  const time = type !== "image/png" ? { fps } : others.frames ? {} : { frame: state.frame };
  return { mode, ...(state.channel && { channel: state.channel }), ...time, ...others };
}

/** The pipeline of a state: a preset's name, or a list of steps; the default where it is broken. */
export function pipelineOf(state) {
  if (!state.pipeline.startsWith("[")) return state.pipeline;
  try {
    const steps = JSON.parse(state.pipeline);
    return steps.every((step) => typeof step?.type === "string") ? steps : DEFAULTS.pipeline;
  } catch {
    return DEFAULTS.pipeline;
  }
}

/** Whether a channel of that name is shown. */
export function isShown(state, name) {
  if (state.channel) return state.channel === name;
  return !state.on || state.on.split(",").includes(name);
}

/** The changes of the state that show some of all channels. */
export const showing = (names, all) => ({ on: names.length === all.length ? "" : names.join() || "-", channel: "" });

class State extends EventTarget {
  values = parseFragment(globalThis.location?.hash ?? "");

  /** Change values. The event `change` has the names of those that changed as `detail`. */
  set(changes) {
    const changed = Object.keys(changes).filter((name) => changes[name] !== this.values[name]);
    if (!changed.length) return;
    this.values = { ...this.values, ...changes };
    clearTimeout(this.writing);
    const write = () => history.replaceState(null, "", formatFragment(this.values));
    this.writing = setTimeout(write, changed.includes("tab") ? 0 : 250);
    this.dispatchEvent(new CustomEvent("change", { detail: changed }));
  }
}

export const state = new State();
globalThis.addEventListener?.("hashchange", () => state.set(parseFragment(location.hash)));
