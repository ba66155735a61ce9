import assert from "node:assert/strict";
import test from "node:test";
import { parseNpy } from "../../heatsvc/web/static/npy.js";
import { Volume } from "../../heatsvc/web/static/volume.js";

/** An .npy file as numpy.save writes it. */
function npy(type, shape, bytes, version = 1) {
  const text = `{'descr': '${type}', 'fortran_order': False, 'shape': (${shape.join(", ")}${shape.length === 1 ? "," : ""}), }`;
  const first = version > 1 ? 12 : 10;
  const header = text.padEnd(64 * Math.ceil((text.length + 1 + first) / 64) - first - 1) + "\n";
  const buffer = new ArrayBuffer(first + header.length + bytes.length);
  const view = new DataView(buffer);
  [0x93, ..."NUMPY"].forEach((each, i) => view.setUint8(i, typeof each === "string" ? each.charCodeAt(0) : each));
  view.setUint8(6, version);
  if (version > 1) view.setUint32(8, header.length, true);
  else view.setUint16(8, header.length, true);
  new Uint8Array(buffer).set(new TextEncoder().encode(header), first);
  new Uint8Array(buffer).set(bytes, first + header.length);
  return buffer;
}

test("an array of bytes", () => {
  const array = parseNpy(npy("|u1", [2, 3], [0, 51, 255, 1, 2, 3]));
  assert.deepEqual([array.dtype, array.shape, [...array.data]], ["uint8", [2, 3], [0, 51, 255, 1, 2, 3]]);
});

test("a header of version 2", () => assert.deepEqual(parseNpy(npy("|u1", [1], [7], 2)).shape, [1]));

test("what is no .npy file, or one of another kind, is refused", () => {
  assert.throws(() => parseNpy(new ArrayBuffer(4)), /no .npy file/);
  assert.throws(() => parseNpy(npy("<c8", [1], new Array(8).fill(0))), /another kind/);
});

test("a file that is cut short is refused", () => {
  assert.throws(() => parseNpy(npy("|u1", [2, 3], [0, 51, 255, 1, 2, 3]).slice(0, -1)), RangeError);
});

test("frames first: the largest channel of each pixel", () => {
  const volume = new Volume(npy("|u1", [2, 2, 1, 2], [10, 0, 20, 0, 0, 30, 0, 40]), 1, 2);
  volume.compose(0, [0, 1]);
  assert.deepEqual([volume.at(0, 0), volume.at(1, 0)], [{ value: 20 / 255, channel: 1 }, { value: 0, channel: -1 }]);
  volume.compose(1, [0]);
  assert.deepEqual(volume.at(1, 0), { value: 30 / 255, channel: 0 });
  assert.deepEqual(volume.peak(1, 1), { value: 40 / 255, x: 1, y: 0 });
});

test("clips first: frames of all clips follow one another", () => {
  // [2 clips, 1 channel, 2 frames, 1, 1]
  const volume = new Volume(npy("|u1", [2, 1, 2, 1, 1], [1, 2, 3, 4]), 1, 1);
  assert.deepEqual([volume.frames, volume.clips, volume.length], [4, 2, 2]);
  assert.deepEqual([0, 1, 2, 3].map((frame) => Math.round(255 * volume.peak(frame, 0).value)), [1, 2, 3, 4]);
});

test("a PoTion image has its channels last", () => {
  const volume = new Volume(npy("|u1", [1, 1, 2, 3], [1, 2, 3, 4, 5, 6]), 1, 2);
  assert.deepEqual([volume.frames, volume.channels], [1, 3]);
  assert.deepEqual(volume.peak(0, 2), { value: 6 / 255, x: 1, y: 0 });
});
