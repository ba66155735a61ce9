// The logic of the page's dataset part, under node's own test runner.
import assert from "node:assert/strict";
import { test } from "node:test";
import { formOf, linesAround, paceOf, rowsIn, sampleOf, withoutOthers } from "../../heatsvc/web/static/components/dataset-files.js";

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

test("the pace of a build", () => {
  const progress = { files_read: 500, files: 2000, seconds: 2, seconds_left: 6 };
  assert.deepEqual(paceOf(progress), { part: 0.25, rate: 250, left: 6 });
  assert.deepEqual(paceOf({ files_read: 0, files: 0, seconds: 0, seconds_left: null }), { part: null, rate: null, left: null });
});

test("rows of files that were sent are found in a message", () => {
  const message = "labels.csv, row 3: a is x here and y in K[1].xlsx, sheet 단어, row 12; other.csv, row 4";
  assert.deepEqual(rowsIn(message, ["labels.csv", "K[1].xlsx"]), [
    { text: "labels.csv, row 3", file: "labels.csv", row: 3 },
    ": a is x here and y in ",
    { text: "K[1].xlsx, sheet 단어, row 12", file: "K[1].xlsx", row: 12 },
    "; other.csv, row 4",
  ]);
  assert.deepEqual(rowsIn("nothing", []), ["nothing"]);
});

test("a row is shown with its neighbors", () => {
  assert.deepEqual(linesAround("a\r\nb\nc\nd", 2), [
    { row: 1, text: "a", isMeant: false },
    { row: 2, text: "b", isMeant: true },
    { row: 3, text: "c", isMeant: false },
  ]);
  assert.deepEqual(linesAround("a", 9), []);
});
