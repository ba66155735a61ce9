// The results of an inspection as lines, for the drops and in place of the report.
import { h } from "../dom.js";
import { count, joined, number, t } from "../strings.js";

/** A line of a class such as "fact", "hint" or "warning". */
export const line = (kind, ...children) => h("p", { class: kind }, ...children);
const focusShape = () => document.querySelector('dataset-builder [data-field="options.img_shape"]')?.focus();

/** Lines for a part of the form; `problem` makes the line of a problem. */
export const LINES = {
  keypoints: ({ files, names, samples, notes }, problem, unread) => [
    unread > 0 && line("hint", t("dataset.unread", { count: number(unread) })),
    files > 0 && line("fact", count("dataset.videos", files), h("span.names", ` ${someOf(names, files)}`)),
    samples.slice(0, 1).map(({ points, persons, frames, layout, img_shape }) => points && line("fact",
      joined(count("dataset.persons", persons), count("dataset.frames", frames), count("dataset.points", points)),
      layout && ` (${layout})`, img_shape && ` · ${img_shape.join(" × ")}`)),
    samples.some(({ points, img_shape }) => points && !img_shape) && line("warning", t("dataset.needs_img_shape"), " ",
      h("button.link", { onclick: focusShape }, "img_shape")),
    samples.map((sample) => sample.problem && problem(sample.problem)),
    notes.map((note) => line("hint", note)),
  ],
  labels: ({ files, videos, classes, filtered }, problem) => [
    files.map((file) => [
      line("fact", files.length > 1 && [h("b", file.file), file.files > 1 && ` + ${number(file.files - 1)}`, " · "],
        joined(file.rows && count("dataset.rows", file.rows), count("dataset.classes", file.classes || classes),
          !file.assumed && file.encoding.replace("-sig", "")),
        h("span.names", ` ${someOf(file.labels, file.labels.length + 1)}`)),
      assumedLine(file),
    ]),
    files.length > 1 && line("fact", joined(count("dataset.videos", videos), count("dataset.classes", classes))),
    Object.entries(filtered).map(([name, left]) => line("fact", t("dataset.filtered", { name, count: number(left) }))),
  ],
  split: ({ splits, assumed }) => [
    splits.length > 0 && line("fact", joined(...splits.map(({ name, videos }) => `${name} ${number(videos)}`))),
    assumed.map((file) => line("warning", t("dataset.assumed.file", { file }))),
  ],
};

/** A warning that the encoding of a file was assumed. */
export const assumedLine = ({ assumed, encoding, labels }) =>
  assumed && line("warning", t("dataset.assumed", { encoding, labels: labels.join(", ") }));

/** The first two names, and an ellipsis if there are more. */
function someOf(names, total) {
  const shown = names.slice(0, 2).map((name) => name.split("/").at(-1));
  return [...shown, ...(total > shown.length ? ["…"] : [])].join(", ");
}

/** Lines about how the names of the parts match, in place of the report. */
export function matchLines({ videos, split }, problem) {
  const { ready, labelled, with_keypoints: matched, without_keypoints: without, unlabelled, faults, mismatch } = videos;
  if (videos.problem) return problem(videos.problem);
  const splits = split?.splits.map(({ name }) => name);
  return [
    line("figure", h("b", number(ready)), " ", t(split ? "dataset.match" : "dataset.match.keypoints", { labelled })),
    split?.column && line("fact", t("dataset.column", { column: split.column, splits: splits.join(", ") })),
    !split && line("warning", t("dataset.no_split")),
    mismatch && problem({ detail: mismatch }),
    matched < labelled && !mismatch && line("fact",
      t("dataset.without", { count: number(labelled - matched), names: someOf(without, labelled - matched) })),
    unlabelled > 0 && line("fact", t("dataset.unlabelled", { count: number(unlabelled) })),
    Object.entries(faults).map(([kind, many]) => line("fact", t(`dataset.fault.${kind}`, { count: number(many) }))),
  ];
}
