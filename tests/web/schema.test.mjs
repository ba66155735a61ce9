import assert from "node:assert/strict";
import test from "node:test";
import { entryOf, fieldsOf, isSame, textOf, valueOf } from "../../heatsvc/web/static/schema.js";

test("fields of an object's schema", () => {
  const schema = { type: "boolean", default: true, description: "Draw it." };
  assert.deepEqual(fieldsOf({ properties: { skeleton: schema } }), [{ name: "skeleton", ...schema, schema }]);
  assert.equal(fieldsOf({ properties: { a: { type: "string" } } })[0].default, null);
});

test("a boolean is a flag, one of some texts a choice, all others are texts", () => {
  assert.equal(entryOf({ anyOf: [{ type: "boolean" }, { type: "null" }] }).kind, "flag");
  assert.deepEqual(entryOf({ enum: ["drop", "zeros"], type: "string" }), { kind: "choice", choices: ["drop", "zeros"] });
  assert.deepEqual(entryOf({ anyOf: [{ const: "xy", type: "string" }, { type: "null" }] }), { kind: "choice", choices: ["xy"] });
  assert.deepEqual(entryOf({ anyOf: [{ enum: ["sign27"], type: "string" }, { type: "array" }] }), { kind: "text", choices: ["sign27"] });
  assert.equal(entryOf({ type: "number" }).kind, "text");
});

test("what a text means", () => {
  const texts = ["", " sign27 ", "1080 × 1920", "1080,1920", "1080 1920", "-1, 64", "0.25", "null", '{"a": 1}', "[0.1, 1]", ">10"];
  assert.deepEqual(texts.map(valueOf), [undefined, "sign27", [1080, 1920], [1080, 1920], [1080, 1920], [-1, 64], 0.25, null, { a: 1 }, [0.1, 1], ">10"]);
});

test("a value is shown as it is entered", () => {
  assert.deepEqual([null, "sign27", [-1, 64], 0.25, [0.1, 1], { name: null }].map(textOf), ["", "sign27", "-1, 64", "0.25", "[0.1,1]", "{}"]);
  assert.ok(isSame([1, 2], [1, 2]));
});
