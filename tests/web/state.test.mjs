import assert from "node:assert/strict";
import test from "node:test";
import { DEFAULTS, formatFragment, isShown, optionsOf, parseFragment, pictureOf, showing } from "../../heatsvc/web/static/state.js";

test("a fragment is read back as it was written", () => {
  const state = { ...DEFAULTS, tab: "clip", select: "sign27", img_shape: "1080,1920", frame: 37, clip: "화재 & 논", pipeline: '[{"type":"PoseDecode"}]' };
  assert.deepEqual(parseFragment(formatFragment(state)), state);
});

test("defaults are left out", () => {
  assert.equal(formatFragment(DEFAULTS), "#/clip");
  assert.equal(formatFragment({ ...DEFAULTS, tab: "dataset" }), "#/dataset");
  assert.equal(formatFragment({ ...DEFAULTS, img_shape: "2,3", frame: 4 }), "#/clip?img_shape=2,3&frame=4");
});

test("what is unknown, or no number, is left out", () => {
  assert.deepEqual(parseFragment("#/clip?frame=x&nothing=1&speed=-1&tab=dataset"), DEFAULTS);
  assert.deepEqual(parseFragment("#/clip?__proto__=x&constructor=x&toString=x"), DEFAULTS);
  for (const wrong of ["-1", "1.5", "Infinity"]) assert.deepEqual(parseFragment(`#/clip?frame=${wrong}`), DEFAULTS);
  for (const wrong of ["0", "Infinity", "1e308"]) assert.deepEqual(parseFragment(`#/clip?speed=${wrong}`), DEFAULTS);
  assert.deepEqual(parseFragment(""), DEFAULTS);
  assert.deepEqual(parseFragment("#/elsewhere"), DEFAULTS);
});

test("options are those of POST /heatmap", () => {
  assert.deepEqual(optionsOf(DEFAULTS), { pipeline: "view", dtype: "float16" });
  const state = { ...DEFAULTS, pipeline: '[{"type":"PoseDecode"}]', select: "0,5,6", img_shape: "480,640", clip: "a", coordinates: "normalized", project: "xy", layout: "coco17" };
  assert.deepEqual(optionsOf(state), {
    pipeline: [{ type: "PoseDecode" }],
    dtype: "float16",
    select: [0, 5, 6],
    layout: "coco17",
    img_shape: [480, 640],
    coordinates: "normalized",
    project: "xy",
    frame_dir: "a",
  });
});

test("a frame size is typed as in the examples of any page", () => {
  for (const img_shape of ["480,640", "480 640", "480x640", " 480 × 640 ", "480*640"])
    assert.deepEqual(optionsOf({ ...DEFAULTS, img_shape }).img_shape, [480, 640]);
});

test("pictures look as the view does; arrays have no such option", () => {
  assert.equal(pictureOf(DEFAULTS, "application/x-npy"), undefined);
  assert.deepEqual(pictureOf({ ...DEFAULTS, frame: 7 }, "image/png"), { mode: "max", frame: 7 });
  assert.deepEqual(pictureOf({ ...DEFAULTS, color: "part", speed: 0.5 }, "video/mp4"), { mode: "joint", fps: 12.5 });
  assert.deepEqual(pictureOf({ ...DEFAULTS, channel: "b", speed: 4 }, "image/gif"), { mode: "channel", channel: "b", fps: 60 });
});

test("half a frame size is none, and broken steps are the default preset", () => {
  for (const pipeline of ["[null]", '["PoseDecode"]', '[{"type":5}]'])
    assert.equal(optionsOf({ ...DEFAULTS, pipeline }).pipeline, "view");
  assert.deepEqual(optionsOf({ ...DEFAULTS, img_shape: "480,", pipeline: "[{" }), { pipeline: "view", dtype: "float16" });
});

test("channels that are shown are named, unless all are", () => {
  const all = ["a", "b", "c", "d"];
  assert.deepEqual(showing(["a"], all), { on: "a", channel: "" });
  assert.deepEqual(showing(all, all), { on: "", channel: "" });
  for (const names of [[], ["a"], ["b", "d"], all]) {
    const state = { ...DEFAULTS, ...showing(names, all) };
    assert.deepEqual(all.filter((name) => isShown(state, name)), names);
  }
});

test("a channel alone hides the others", () => {
  assert.deepEqual(["a", "b"].filter((name) => isShown({ ...DEFAULTS, on: "b", channel: "a" }, name)), ["a"]);
});
