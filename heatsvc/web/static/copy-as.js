// The request of the view as a curl command and as Python, and its pipeline as a PYSKL config.

/** If there are more files, the command sends them in one archive. */
const MANY_FILES = 8;

const quote = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

/** A JSON value as a literal of Python. */
export function python(value) {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return `[${value.map(python).join(", ")}]`;
  if (typeof value !== "object") return JSON.stringify(value);
  return `{${Object.entries(value).map(([key, each]) => `${JSON.stringify(key)}: ${python(each)}`).join(", ")}}`;
}

const argumentsOf = (values) =>
  Object.entries(values).map(([key, value]) => (value === undefined ? "" : `, ${key}=${python(value)}`)).join("");

/** A curl command. Files in folders have the paths with which they were dropped. */
export function asCurl({ url, files, sample, options, needsKey }) {
  const folders = new Set(files.map((name) => (name.includes("/") ? name.split("/")[0] : name)));
  const isMany = files.length > MANY_FILES;
  const fetched = sample ? `curl -o ${quote(files[0])} ${quote(url + sample)}\n` : "";
  const zipped = isMany ? `zip -qr - ${[...folders].map(quote).join(" ")} | ` : "";
  const named = files.map((name) => `file=@"${name.replace(/[\\"]/g, "\\$&")}"`);
  const parts = isMany ? ["file=@-;filename=files.zip"] : named;
  const lines = [
    "curl --compressed --fail-with-body",
    ...(needsKey ? [`-H "Authorization: Bearer $HEATSVC_API_KEY"`] : []),
    ...[...parts, `options=${JSON.stringify(options)}`].map((part) => `-F ${quote(part)}`),
    quote(`${url}heatmap`),
    "-o heatmaps.npy",
  ];
  return fetched + zipped + lines.join(" \\\n  ");
}

/** A Python program without HTTP. It reads one clip of a pickle, or all clips of other files, and selects one. */
export function asPython({ url, files, sample, options }) {
  const { pipeline, frame_dir: name, layout, img_shape, coordinates, project, ...rest } = options;
  const isPickle = /\.(pkl|pickle)$/.test(files[0]);
  const read = argumentsOf({ img_shape, layout, frame_dir: isPickle ? name : undefined, coordinates, project });
  return [
    "import heatsvc",
    "",
    sample && `# ${files[0]} is ${url}${sample}`,
    files.length > 1 && `# ${files.length} files: pack them into one archive, whose frame files are put together`,
    `clips = heatsvc.read(${python(files.length > 1 ? "files.zip" : files[0])}${read})`,
    name && !isPickle && `clips = [clip for clip in clips if clip.frame_dir == ${python(name)}]`,
    `imgs = heatsvc.draw(clips[0]${argumentsOf({ pipeline, ...rest })})`,
    "print(imgs.shape, imgs.dtype)",
    "",
  ].filter((line) => typeof line === "string").join("\n");
}

/** The steps as `pipeline` of a PYSKL config. */
export function asConfig(steps) {
  const step = ({ type, ...rest }) => `    dict(type='${type}'${argumentsOf(rest).replace(/"/g, "'")}),`;
  return `pipeline = [\n${steps.map(step).join("\n")}\n]\n`;
}
