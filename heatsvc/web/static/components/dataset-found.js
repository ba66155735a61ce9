// What was found in the files of a dataset, as lines for the drops and for the report before there is one.
import { h } from "../dom.js";
import { number, t } from "../strings.js";

const fact = (...children) => h("p", { class: "fact" }, ...children);
const warning = (...children) => h("p", { class: "warning" }, ...children);
const count = (key, value) => t(value === 1 ? `${key}.one` : key, { count: number(value) });

/** Lines of what a part has; `problem` makes a line of what is wrong with it. */
export const LINES = {
  keypoints: (found, problem, unread) => [
    unread > 0 && h("p", { class: "hint" }, t("dataset.unread", { count: number(unread) })),
    found?.problem && problem(found.problem),
    found?.files > 0 && fact(count("dataset.videos", found.files), h("span", { class: "names" }, ` ${someOf(found.names, found.files)}`)),
    ...(found?.samples ?? []).slice(0, 1).map((sample) => sample.points && fact(
      [count("dataset.persons", sample.persons), count("dataset.frames", sample.frames), count("dataset.points", sample.points)].join(" · "),
      sample.layout ? ` (${sample.layout})` : "", sample.img_shape ? ` · ${sample.img_shape.join(" × ")}` : "")),
    found?.samples?.some((sample) => sample.points && !sample.img_shape) && warning(t("dataset.needs_img_shape"), " ",
      h("button", { class: "link", type: "button", onclick: () => document.getElementById("option-img_shape")?.focus() }, "img_shape")),
    ...(found?.samples ?? []).map((sample) => sample.problem && problem(sample.problem)),
    ...(found?.notes ?? []).map((note) => h("p", { class: "hint" }, note)),
  ],
  labels: (found, problem) => [
    found?.problem && problem(found.problem),
    ...(found?.files ?? []).flatMap((file) => [
      h("p", { class: "fact" }, found.files.length > 1 && [h("b", {}, file.file), file.files > 1 ? ` + ${number(file.files - 1)}` : "", " · "],
        [file.rows && count("dataset.rows", file.rows), (file.classes || found.files.length === 1) && count("dataset.classes", file.classes || found.classes), !file.assumed && file.encoding.replace("-sig", "")]
          .filter(Boolean).join(" · "), h("span", { class: "names" }, ` ${someOf(file.labels, file.labels.length + 1)}`)),
      file.assumed && warning(t("dataset.assumed", { encoding: file.encoding, labels: file.labels.join(", ") })),
    ]),
    found?.files?.length > 1 && fact(`${count("dataset.videos", found.videos)} · ${count("dataset.classes", found.classes)}`),
    ...Object.entries(found?.filtered ?? {}).map(([name, left]) => fact(t("dataset.filtered", { name, count: number(left) }))),
  ],
  split: (found, problem) => [
    found?.problem && problem(found.problem),
    found?.splits?.length > 0 && fact(found.splits.map(({ name, videos }) => `${name} ${number(videos)}`).join(" · ")),
    ...(found?.assumed ?? []).map((file) => warning(t("dataset.assumed.file", { file }))),
  ],
};

/** The first names, and that there are more. */
export const someOf = (names, total) => names.slice(0, 2).map((name) => name.split("/").at(-1)).join(", ") + (total > Math.min(2, names.length) ? ", …" : "");

/** How the names match, for the place of the report. */
export function matchLines(contents, problem) {
  const { videos, split } = contents ?? {};
  if (!videos) return [];
  if (videos.problem) return [problem(videos.problem)];
  return [
    h("p", { class: "figure" }, h("b", {}, number(videos.ready)), ` ${t(split ? "dataset.match" : "dataset.match.keypoints", { labelled: number(videos.labelled) })}`),
    split?.column && fact(t("dataset.column", { column: split.column, splits: split.splits.map(({ name }) => name).join(", ") })),
    !split && warning(t("dataset.no_split")),
    videos.mismatch && problem({ detail: videos.mismatch }),
    videos.with_keypoints < videos.labelled && !videos.mismatch && fact(
      t("dataset.without", { count: number(videos.labelled - videos.with_keypoints), names: someOf(videos.without_keypoints, videos.labelled - videos.with_keypoints) })),
    videos.unlabelled > 0 && fact(t("dataset.unlabelled", { count: number(videos.unlabelled) })),
    ...Object.entries(videos.faults).map(([kind, many]) => fact(t(`dataset.fault.${kind}`, { count: number(many) }))),
  ];
}
