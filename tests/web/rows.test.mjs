import assert from "node:assert/strict";
import { test } from "node:test";
import { linesAround, rowsIn } from "../../heatsvc/web/static/rows.js";

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
