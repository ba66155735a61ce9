// <dataset-report>: the report of a build, from its JSON, while it grows and when it is whole: a frame for its HTML page is
// not what the page's policy allows.
import { Component, h } from "../dom.js";
import { bytes, number, t } from "../strings.js";
import { save } from "./dataset-build.js";

const SHOWN = 100;
const COLUMNS = ["clips", "zeros", "frames", "classes", "signers"];

class DatasetReport extends Component {
  report = null; // of a build that runs only `splits` and `faults`
  artifacts = [];
  lines = []; // beside it
  find = () => {}; // shows the row of a video

  /** Show what there is now. What is unfolded stays so. */
  show(changes) {
    const open = [...this.querySelectorAll("details[open]")].map((each) => each.dataset.kind);
    Object.assign(this, changes);
    if (this.querySelector(".rows") && !changes.artifacts) return; // it is being read
    this.update();
    for (const each of this.querySelectorAll("details")) each.open = open.includes(each.dataset.kind);
  }

  render() {
    const { report } = this;
    return [h("h2", {}, t(report ? "dataset.report" : "dataset.before")), report && this.sections(report), this.lines];
  }

  sections({ summary, splits, absent = {}, faults, findings = [], leaks, notes = [], frames, labels = [] }) {
    const facts = summary && { classes: number(summary.classes), points: number(summary.points), layout: summary.layout ?? "", frames: number(frames.median ?? 0) };
    const clips = summary?.clips ?? splits.reduce((sum, split) => sum + split.clips, 0);
    const line = (kind, text) => h("p", { class: kind }, text);
    return [
      h("p", { class: "figure" }, h("b", {}, number(clips)), " ", facts ? t("dataset.summary", facts) : t("dataset.so_far")),
      this.artifacts.length > 0 && h("ul", { class: "files", "aria-label": t("dataset.downloads") }, this.artifacts.map(fileLink)),
      splits.length > 0 && table(splits),
      frames?.count > 0 && histogram(frames),
      faults.length + findings.length > 0 && h("h3", {}, t("dataset.faults")),
      [...faults, ...findings].map((group) => this.group(group)),
      leaks?.content.length > 0 && line("warning", t("dataset.leaks", { count: number(leaks.content.length),
        names: leaks.content[0].clips.map(({ name, split }) => `${name} (${split})`).join(", ") })),
      Object.entries(absent).map(([split, names]) => names.length > 0 &&
        line("fact", t("dataset.absent", { split, count: number(names.length), names: names.slice(0, 5).join(", ") }))),
      labels.map((file) => file.assumed && line("warning", t("dataset.assumed", { encoding: file.encoding, labels: file.labels.join(", ") }))),
      notes.map((note) => line("hint", note)),
    ];
  }

  group({ kind, code = kind, meaning, count, done = {}, items }) {
    const facts = [code, ...Object.entries(done).map(([name, many]) => `${name} ${number(many)}`)].join(" · ");
    const find = ({ target }, name) => this.find(target.parentElement, name);
    return h("details", { class: "fault", "data-kind": code },
      h("summary", {}, h("b", {}, number(count)), ` ${t(`fault.${code}`, {}, meaning)}`, h("span", { class: "hint" }, ` ${facts}`)),
      h("ul", {}, items.slice(0, SHOWN).map(({ name, detail, file }) => h("li", {},
        h("button", { class: "link", type: "button", title: t("dataset.row.find"), onclick: (event) => find(event, name) }, name),
        ` ${detail}`, file && h("span", { class: "hint" }, ` ${file}`)))),
      count > Math.min(SHOWN, items.length) && h("p", { class: "hint" }, t("dataset.more", { count: number(count - Math.min(SHOWN, items.length)) })));
  }
}

const fileLink = ({ name, href, size }) => h("li", {},
  h("a", { href, download: name, onclick: (event) => save(event, href, name) }, name), size && h("span", { class: "hint" }, ` ${bytes(size)}`));

function table(splits) {
  const columns = COLUMNS.filter((key) => key in splits[0]);
  const head = (scope, text) => h("th", { scope }, text);
  return h("div", { class: "scrolls", tabindex: "0", role: "region", "aria-label": `${t("dataset.report")}: ${t("dataset.split")}` },
    h("table", {},
      h("thead", {}, h("tr", {}, head("col", t("dataset.split")), columns.map((key) => head("col", t(`dataset.column.${key}`))))),
      h("tbody", {}, splits.map((split) => h("tr", {}, head("row", split.name), columns.map((key) => h("td", {}, number(split[key]))))))));
}

/** Clips by their number of frames, as bars. */
function histogram({ histogram: { start, width, counts }, min, max }) {
  const highest = Math.max(...counts);
  const bar = (many, i) => h("i", { title: `${start + i * width}–${start + (i + 1) * width - 1}: ${many}`, style: { blockSize: `${(100 * many) / highest}%` } });
  const text = t("dataset.histogram", { min: number(min), max: number(max) });
  return h("figure", {}, h("div", { class: "bars", role: "img", "aria-label": text }, counts.map(bar)), h("figcaption", { class: "hint" }, text));
}
customElements.define("dataset-report", DatasetReport);
