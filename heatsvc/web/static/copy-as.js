// The request of the view as a command, as Python, and its pipeline as PYSKL's config has it. Pure: tested without a browser.

const quote = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

/** A JSON value as a literal of Python. */
export function python(value) {
  if (value === null) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  if (Array.isArray(value)) return `[${value.map(python).join(", ")}]`;
  if (typeof value === "object") return `{${Object.entries(value).map(([key, each]) => `${JSON.stringify(key)}: ${python(each)}`).join(", ")}}`;
  return JSON.stringify(value);
}

/** A curl command. */
export function asCurl({ url, files, options, needsKey }) {
  return [
    "curl --compressed --fail-with-body",
    ...(needsKey ? [`-H "Authorization: Bearer $HEATSVC_API_KEY"`] : []),
    ...files.map((name) => `-F ${quote(`file=@"${name.replaceAll('"', '\\"')}"`)}`),
    `-F ${quote(`options=${JSON.stringify(options)}`)}`,
    quote(`${url}heatmap`),
    "-o heatmaps.npy",
  ].join(" \\\n  ");
}

/** The same by the library, without HTTP. Of a pickle one clip is read; of other files all are, and one is chosen. */
export function asPython({ files, options }) {
  const { pipeline, frame_dir: name, layout, img_shape, coordinates, project, ...rest } = options;
  const given = (values) => Object.entries(values).filter(([, value]) => value !== undefined).map(([key, value]) => `, ${key}=${python(value)}`).join("");
  const isPickle = /\.(pkl|pickle)$/.test(files[0]);
  const read = given({ img_shape, layout, frame_dir: isPickle ? name : undefined, coordinates, project });
  return [
    "import heatsvc",
    "",
    ...(files.length > 1 ? [`# ${files.length} files: pack them into one archive, whose frame files are put together`] : []),
    `clips = heatsvc.read(${python(files.length > 1 ? "files.zip" : files[0])}${read})`,
    ...(name && !isPickle ? [`clips = [clip for clip in clips if clip.frame_dir == ${python(name)}]`] : []),
    `imgs = heatsvc.draw(clips[0]${given({ pipeline, ...rest })})`,
    "print(imgs.shape, imgs.dtype)",
    "",
  ].join("\n");
}

/** The steps as `pipeline` of a config of PYSKL. */
export function asConfig(steps) {
  const lines = steps.map(({ type, ...rest }) => `    dict(type='${type}'${Object.entries(rest).map(([key, value]) => `, ${key}=${python(value).replace(/"/g, "'")}`).join("")}),`);
  return `pipeline = [\n${lines.join("\n")}\n]\n`;
}
