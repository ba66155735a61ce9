import assert from "node:assert/strict";
import test from "node:test";
import { groupOf, INFERNO, paint, PARTS, partOf } from "../../heatsvc/web/static/color.js";
import { bytes, setLanguage, t } from "../../heatsvc/web/static/strings.js";

test("inferno grows lighter from black on", () => {
  assert.deepEqual([...INFERNO.subarray(0, 3)], [0, 0, 3]);
  const lightness = Array.from({ length: 256 }, (_, i) => 0.2126 * INFERNO[3 * i] + 0.7152 * INFERNO[3 * i + 1] + 0.0722 * INFERNO[3 * i + 2]);
  assert.equal(INFERNO.length, 768);
  assert.ok(lightness.every((value, i) => !i || value > lightness[i - 1] - 1));
});

test("parts of the body by the names of points and limbs", () => {
  const parts = { nose: "body", left_wrist: "body_left", right_hip: "body_right", left_hand_4: "left_hand", right_hand_0: "right_hand", face_30: "face", left_face_3: "face", right_mouth: "face", "left_wrist–left_hand_0": "left_hand", left_hand_tip: "left_hand" };
  for (const [name, part] of Object.entries(parts)) assert.equal(partOf(name), part, name);
  assert.deepEqual(["left_wrist", "nose", "left_hand_1"].map(groupOf), ["body", "body", "left_hand"]);
});

test("left is lighter than right, so that they are apart without hue", () => {
  const lightness = ([red, green, blue]) => 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  assert.ok(lightness(PARTS.body_left) > lightness(PARTS.body_right) + 40);
  assert.ok(lightness(PARTS.left_hand) > lightness(PARTS.right_hand) + 40);
});

test("pixels are painted by value, or by the channel's color", () => {
  const pixels = new Uint8ClampedArray(8);
  paint(pixels, 2, (i) => [0, 2][i], [-1, 0], null);
  assert.deepEqual([...pixels], [...INFERNO.subarray(0, 3), 255, ...INFERNO.subarray(765), 255]);
  paint(pixels, 2, (i) => [0, 1][i], [-1, 0], [[10, 20, 30]]);
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
