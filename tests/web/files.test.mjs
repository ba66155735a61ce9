import assert from "node:assert/strict";
import { test } from "node:test";
import { formOf, sampleOf, withoutOthers } from "../../heatsvc/web/static/files.js";

const file = (name, size = 1, type = "") => ({ name, file: { size, type } });

test("what systems leave in folders, videos and pictures are left out", () => {
  const files = ["a.npy", ".DS_Store", "part/.hidden", "__MACOSX/a.npy", "x/b.npy"].map((name) => file(name));
  const { kept, left } = withoutOthers([...files, file("a.mp4", 1, "video/mp4")]);
  assert.deepEqual(kept.map(({ name }) => name), ["a.npy", "x/b.npy"]);
  assert.equal(left, 4);
});

test("of many keypoint files an inspection is sent some whole, and of the others the names", () => {
  const { files, unread } = sampleOf([file("a.npy", 6), file("b.npy", 6), file("c.npy", 4)], 10);
  assert.deepEqual(files.map(({ name, file }) => [name, file.size]), [["a.npy", 6], ["b.npy", 0], ["c.npy", 4]]);
  assert.equal(unread, 0);
});

test("an archive is sent whole or not at all", () => {
  const { files, unread } = sampleOf([file("a.tar.gz", 50), file("b.ZIP", 51), file("c.pkl", 60)], 10, 50);
  assert.deepEqual(files.map(({ name }) => name), ["a.tar.gz"]);
  assert.equal(unread, 2);
});

test("a form has the options first, and paths as names", () => {
  const keypoints = [{ name: "folder/a.npy", file: new Blob(["1"]) }];
  const form = formOf({ keypoints, labels: [{ name: "l.csv", file: new Blob(["a,0"]) }] }, { img_shape: [2, 3] });
  assert.deepEqual([...form.keys()], ["options", "keypoints", "labels"]);
  assert.equal(form.get("options"), '{"img_shape":[2,3]}');
  assert.equal(form.get("keypoints").name, "folder/a.npy");
  assert.deepEqual([...formOf({ labels: [] }, {}).keys()], []);
});
