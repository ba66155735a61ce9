// <dataset-report>: the report of a build, from its JSON: a frame for its HTML page is not what the page's policy allows.
import { Component, h } from "../dom.js";
import { bytes, number, t } from "../strings.js";

const SHOWN = 100;

export class DatasetReport extends Component {
  report = null;
  artifacts = [];
  lines = () => [];
  onname = () => {};
  onfile = () => {};

  render() {
    const { report } = this;
    return [
      h("h2", {}, t(report ? "dataset.report" : "dataset.before")),
      report && this.figure(report),
      ...(this.artifacts.length > 0 ? this.files() : []),
      ...(report ? this.sections(report) : []),
      ...this.lines(),
    ];
  }

  figure({ summary, frames }) {
    const facts = { classes: number(summary.classes), points: number(summary.points), layout: summary.layout ?? "", frames: number(frames.median ?? 0) };
    return h("p", { class: "figure" }, h("b", {}, number(summary.clips)), " ", t("dataset.summary", facts));
  }

  sections({ splits, absent, faults, findings, leaks, notes, frames, labels }) {
    const gone = Object.entries(absent).filter(([, names]) => names.length);
    return [
      table(["dataset.split", "dataset.clips", "dataset.zeros", "dataset.frames.head", "dataset.classes.head", "dataset.signers"],
        splits.map((split) => [split.name, ...["clips", "zeros", "frames", "classes", "signers"].map((key) => number(split[key]))])),
      frames.count > 0 && histogram(frames),
      faults.length + findings.length > 0 && h("h3", {}, t("dataset.faults")),
      ...faults.map((group) => this.group(group)),
      ...findings.map((group) => this.group({ ...group, kind: group.code })),
      leaks.content.length > 0 && h("p", { class: "warning" }, t("dataset.leaks", { count: number(leaks.content.length),
        names: leaks.content[0].clips.map(({ name, split }) => `${name} (${split})`).join(", ") })),
      ...gone.map(([split, names]) => h("p", { class: "fact" }, t("dataset.absent", { split, count: number(names.length), names: names.slice(0, 5).join(", ") }))),
      ...labels.filter((file) => file.assumed).map((file) => h("p", { class: "warning" }, t("dataset.assumed", { encoding: file.encoding, labels: file.labels.join(", ") }))),
      ...notes.map((note) => h("p", { class: "hint" }, note)),
    ];
  }

  group({ kind, meaning, count, done = {}, items }) {
    const outcome = Object.entries(done).map(([name, many]) => `${name} ${number(many)}`).join(", ");
    return h("details", { class: "fault" },
      h("summary", {}, h("b", {}, number(count)), ` ${meaning}`, h("span", { class: "hint" }, ` ${kind}${outcome ? ` · ${outcome}` : ""}`)),
      h("ul", {}, items.slice(0, SHOWN).map((item) => h("li", {},
        h("button", { class: "link", type: "button", title: t("dataset.row.find"), onclick: (event) => this.onname(item.name, event.target.parentElement) }, item.name),
        ` ${item.detail}`, item.file ? h("span", { class: "hint" }, ` ${item.file}`) : ""))),
      items.length > SHOWN && h("p", { class: "hint" }, t("dataset.more", { count: number(items.length - SHOWN) })));
  }

  files() {
    const link = ({ name, href, size }) => h("li", {},
      h("a", { href, download: name, onclick: (event) => this.onfile(event, href, name) }, name), size ? h("span", { class: "hint" }, ` ${bytes(size)}`) : "");
    return [h("ul", { class: "files", "aria-label": t("dataset.downloads") }, this.artifacts.map(link))];
  }
}

function table(heads, rows) {
  return h("div", { class: "scrolls", tabindex: "0", role: "region", "aria-label": `${t("dataset.report")}: ${t("dataset.split")}` }, h("table", {},
    h("thead", {}, h("tr", {}, heads.map((key) => h("th", { scope: "col" }, t(key))))),
    h("tbody", {}, rows.map(([first, ...rest]) => h("tr", {}, h("th", { scope: "row" }, first), rest.map((text) => h("td", {}, text)))))));
}

/** Clips by their number of frames, as bars. */
function histogram({ histogram: { start, width, counts }, min, max }) {
  const highest = Math.max(...counts);
  const bars = counts.map((many, i) => {
    const bar = h("i", { title: `${start + i * width}–${start + (i + 1) * width - 1}: ${many}` });
    bar.style.blockSize = `${(100 * many) / highest}%`;
    return bar;
  });
  const text = t("dataset.histogram", { min: number(min), max: number(max) });
  return h("figure", {}, h("div", { class: "bars", role: "img", "aria-label": text }, bars), h("figcaption", { class: "hint" }, text));
}
customElements.define("dataset-report", DatasetReport);
