import assert from "node:assert/strict";
import test from "node:test";
import { groupOf, INFERNO, paint, partKey } from "../../heatsvc/web/static/color.js";
import { bytes, setLanguage, t } from "../../heatsvc/web/static/strings.js";

test("inferno grows lighter from black on", () => {
  assert.deepEqual([...INFERNO.subarray(0, 3)], [0, 0, 3]);
  const lightness = Array.from({ length: 256 }, (_, i) => 0.2126 * INFERNO[3 * i] + 0.7152 * INFERNO[3 * i + 1] + 0.0722 * INFERNO[3 * i + 2]);
  assert.equal(INFERNO.length, 768);
  assert.ok(lightness.every((value, i) => !i || value > lightness[i - 1] - 1));
});

test("channels are chosen together with those of their part", () => {
  const groups = [["body", "left"], ["face", ""], ["hand", "left"], ["hand", ""]].map(([part, side]) => groupOf({ part, side }));
  assert.deepEqual(groups, ["body", "face", "hand.left", "hand"]);
  assert.equal(partKey({ part: "body", side: "left" }), "part.body.left");
});

test("pixels are painted by value, or by the channel's color", () => {
  const pixels = new Uint8ClampedArray(8);
  paint(pixels, { best: [0, 510], which: [-1, 0], unit: 255 }, null);
  assert.deepEqual([...pixels], [...INFERNO.subarray(0, 3), 255, ...INFERNO.subarray(765), 255]);
  paint(pixels, { best: [0, 1], which: [-1, 0], unit: 1 }, [[10, 20, 30]]);
  assert.deepEqual([...pixels], [0, 0, 0, 255, 10, 20, 30, 255]);
});

test("texts: values are replaced, Korean falls back to English", () => {
  assert.equal(t("stage.frame", { frame: 3 }), "frame 3");
  setLanguage("ko");
  assert.equal(t("stage.frame", { frame: 3 }), "프레임 3");
  assert.equal(t("copy.curl"), "curl");
  setLanguage("en");
  assert.equal(t("no.such.key"), "no.such.key");
});

test("bytes in the unit that fits", () => {
  assert.deepEqual([0, 999, 1000, 9_949, 178_000, 42_000_000, 1.2e9].map(bytes), ["0 B", "999 B", "1.0 kB", "9.9 kB", "178 kB", "42 MB", "1.2 GB"]);
});
