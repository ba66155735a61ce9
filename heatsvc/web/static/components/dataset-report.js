// <dataset-report>: the report of a build, from its JSON, also while the build runs.
import { Component, h } from "../dom.js";
import { bytes, joined, number, t } from "../strings.js";
import { save } from "./dataset-build.js";
import { assumedLine, line } from "./dataset-found.js";

const SHOWN = 100;
const COLUMNS = ["clips", "zeros", "frames", "classes", "signers"];

class DatasetReport extends Component {
  report = null; // while a build runs, it has only `splits` and `faults`
  artifacts = [];
  lines = []; // elements below the report
  find = () => {}; // function that shows the row of a video

  /** Change some properties and show them. Unfolded details stay unfolded. */
  show(changes) {
    const open = [...this.querySelectorAll("details[open]")].map((each) => each.dataset.kind);
    Object.assign(this, changes);
    if (this.querySelector(".rows") && !changes.artifacts) return; // rows are shown: do not remove them
    this.update();
    for (const each of this.querySelectorAll("details")) each.open = open.includes(each.dataset.kind);
  }

  render() {
    const { report } = this;
    return [h("h2", t(report ? "dataset.report" : "dataset.before")), report && this.sections(report), this.lines];
  }

  sections({ summary, splits, absent = {}, faults, findings = [], leaks, notes = [], frames, labels = [] }) {
    const clips = summary?.clips ?? splits.reduce((sum, split) => sum + split.clips, 0);
    return [
      h("p.figure", h("b", number(clips)), " ", summary ? summaryText(summary, frames) : t("dataset.so_far")),
      this.artifacts.length > 0 && h("ul.files", this.artifacts.map(fileLink)),
      splits.length > 0 && table(splits),
      frames?.count > 0 && histogram(frames),
      faults.length + findings.length > 0 && h("h3", t("dataset.faults")),
      [...faults, ...findings].map((group) => this.group(group)),
      leaks?.content.length > 0 && line("warning", t("dataset.leaks", { count: number(leaks.content.length),
        names: leaks.content[0].clips.map(({ name, split }) => `${name} (${split})`).join(", ") })),
      Object.entries(absent).map(([split, names]) => names.length > 0 &&
        line("fact", t("dataset.absent", { split, count: number(names.length), names: names.slice(0, 5).join(", ") }))),
      labels.map(assumedLine),
      notes.map((note) => line("hint", note)),
    ];
  }

  group({ kind, code = kind, meaning, count, done = {}, items }) {
    const facts = joined(code, ...Object.entries(done).map(([name, many]) => `${name} ${number(many)}`));
    const text = t(`fault.${code}`, {}, t(`finding.${code}`, {}, meaning));
    const more = count - Math.min(SHOWN, items.length);
    const find = ({ target }, name) => this.find(target.parentElement, name);
    return h("details.fault", { "data-kind": code },
      h("summary", h("b", number(count)), ` ${text}`, h("span.hint", ` ${facts}`)),
      h("ul", items.slice(0, SHOWN).map(({ name, detail, file }) => h("li", {},
        h("button.link", { title: t("dataset.row.find"), onclick: (event) => find(event, name) }, name),
        ` ${detail}`, file && h("span.hint", ` ${file}`)))),
      more > 0 && h("p.hint", t("dataset.more", { count: number(more) })));
  }
}

function summaryText({ classes, points, layout }, { median }) {
  const facts = { classes: number(classes), points: number(points), layout: layout ?? "", frames: number(median ?? 0) };
  return t("dataset.summary", facts);
}

const fileLink = ({ name, href, size }) => h("li", {},
  h("a", { href, download: name, onclick: (event) => save(event, href, name) }, name),
  size && h("span.hint", ` ${bytes(size)}`));

function table(splits) {
  const columns = COLUMNS.filter((key) => key in splits[0]);
  const head = (scope, text) => h("th", { scope }, text);
  const cells = (split) => columns.map((key) => h("td", number(split[key])));
  const label = `${t("dataset.report")}: ${t("dataset.split")}`;
  return h("div.scrolls", { tabindex: "0", role: "region", "aria-label": label },
    h("table", {},
      h("thead", h("tr", ["split", ...columns].map((key) => head("col", t(`dataset.column.${key}`))))),
      h("tbody", splits.map((split) => h("tr", head("row", split.name), cells(split))))));
}

/** Clips by their number of frames, as bars. */
function histogram({ histogram: { start, width, counts }, min, max }) {
  const highest = Math.max(...counts);
  const bar = (many, i) => {
    const first = start + i * width;
    const style = { blockSize: `${(100 * many) / highest}%` };
    return h("i", { title: `${first}–${first + width - 1}: ${many}`, style });
  };
  const text = t("dataset.histogram", { min: number(min), max: number(max) });
  return h("figure", h("div.bars", { role: "img", "aria-label": text }, counts.map(bar)), h("figcaption.hint", text));
}
customElements.define("dataset-report", DatasetReport);
