import assert from "node:assert/strict";
import test from "node:test";
import { asConfig, asCurl, asPython, python } from "../../heatsvc/web/static/copy-as.js";

const OPTIONS = { pipeline: "view", dtype: "float16", select: "sign27" };

test("a curl command, quoted for a shell", () => {
  assert.equal(
    asCurl({ url: "http://127.0.0.1:8000/", files: ["it's.npy"], options: { ...OPTIONS, frame_dir: "it's" }, needsKey: false }),
    `curl --compressed --fail-with-body \\
  -F 'file=@"it'\\''s.npy"' \\
  -F 'options={"pipeline":"view","dtype":"float16","select":"sign27","frame_dir":"it'\\''s"}' \\
  'http://127.0.0.1:8000/heatmap' \\
  -o heatmaps.npy`,
  );
});

test("the key itself is never copied", () => {
  assert.match(asCurl({ url: "/", files: [], options: {}, needsKey: true }), /-H "Authorization: Bearer \$HEATSVC_API_KEY"/);
});

test("Python reads the chosen clip of a pickle", () => {
  assert.equal(
    asPython({ files: ["a.pkl"], options: { ...OPTIONS, frame_dir: "v_1", img_shape: [480, 640] } }),
    `import heatsvc

clips = heatsvc.read("a.pkl", img_shape=[480, 640], frame_dir="v_1")
imgs = heatsvc.draw(clips[0], pipeline="view", dtype="float16", select="sign27")
print(imgs.shape, imgs.dtype)
`,
  );
});

test("Python chooses among the clips of other files", () => {
  assert.match(asPython({ files: ["a.zip"], options: { ...OPTIONS, frame_dir: "b" } }), /^clips = \[clip for clip in clips if clip.frame_dir == "b"\]$/m);
});

test("values of JSON as Python writes them", () => {
  assert.equal(python({ a: [1, null, true, -1.5, "x\"y"], b: false }), `{"a": [1, None, True, -1.5, "x\\"y"], "b": False}`);
});

test("PYSKL's config", () => {
  const steps = [{ type: "PoseDecode" }, { type: "Resize", scale: [-1, 64], keep_ratio: false }, { type: "GeneratePoseTarget", skeletons: null }];
  assert.equal(
    asConfig(steps),
    `pipeline = [
    dict(type='PoseDecode'),
    dict(type='Resize', scale=[-1, 64], keep_ratio=False),
    dict(type='GeneratePoseTarget', skeletons=None),
]
`,
  );
});

test("the sample is fetched first", () => {
  const command = asCurl({ url: "http://h/", files: ["FIRE.npz"], sample: "static/sample.npz", options: {}, needsKey: false });
  assert.match(command, /^curl -o 'FIRE.npz' 'http:\/\/h\/static\/sample.npz'\ncurl --compressed/);
  assert.match(asPython({ url: "http://h/", files: ["FIRE.npz"], sample: "static/sample.npz", options: {} }), /# FIRE.npz is http:\/\/h\/static\/sample.npz/);
});

test("many files of a folder are sent as an archive", () => {
  const files = Array.from({ length: 9 }, (_, index) => `my poses/${index}.json`);
  const command = asCurl({ url: "/", files, options: {}, needsKey: false });
  assert.match(command, /^zip -qr - 'my poses' \| curl --compressed/);
  assert.match(command, /-F 'file=@-;filename=files.zip'/);
});
