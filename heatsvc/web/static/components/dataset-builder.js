// <dataset-builder>: keypoints, labels and a split become a dataset: what is in them, the options, the build, its report.
import { apiKey, requestJson } from "../api.js";
import { Component, h } from "../dom.js";
import { state } from "../state.js";
import { bytes, number, t } from "../strings.js";
import { fileUrl, remove, reportOf, save, upload, watch } from "./dataset-build.js";
import { formOf, linesAround, paceOf, rowsIn, sampleOf } from "./dataset-files.js";
import { LINES, matchLines } from "./dataset-found.js";
import "./dataset-drop.js";
import "./dataset-options.js";
import "./dataset-report.js";

const PARTS = ["keypoints", "labels", "split"];
const INSPECT_AFTER_MILLISECONDS = 150;
/** An inspection that the service has no memory for now is asked for again after this time. */
const BUSY_MILLISECONDS = 2000;
const TEXT_BYTES = 32e6;
/** What the encodings of Python that labels are usually in are called on the web. */
const ENCODINGS = { "utf-8-sig": "utf-8", cp949: "euc-kr", johab: "euc-kr" };

class DatasetBuilder extends Component {
  contents = null;
  build = null;
  sent = null;
  problem = null;

  connectedCallback() {
    this.problemLine = this.problemLine.bind(this);
    this.drops = Object.fromEntries(PARTS.map((part) => [part, h("dataset-drop", { part })]));
    for (const [part, drop] of Object.entries(this.drops))
      drop.lines = (found) => LINES[part](found, this.problemLine, part === "keypoints" ? this.unread : 0).filter(Boolean);
    this.options = h("dataset-options");
    this.report = h("dataset-report", { "aria-live": "polite" });
    Object.assign(this.report, { lines: () => this.besideReport(), onname: (name, place) => this.findName(name, place), onfile: save });
    const button = (kind, onclick) => h("button", { class: kind, type: "button", onclick });
    this.buttons = { build: button("primary", () => this.start("annotation")), check: button("", () => this.start("annotation/check")), cancel: button("", () => this.cancel()) };
    this.facts = h("div", { class: "facts", "aria-live": "polite" });
    this.wrong = h("div", { class: "wrong" });
    const status = h("div", { class: "dataset-status" }, this.wrong, Object.values(this.buttons), this.facts);
    this.replaceChildren(
      h("div", { class: "dataset-inputs" }, h("div", {}, Object.values(this.drops)), this.options),
      h("div", { class: "dataset-result" }, this.report), status);
    this.addEventListener("change", (event) => event.target !== this && (event.target.part || event.target === this.options) && this.inspectSoon());
    super.connectedCallback();
    apiKey.addEventListener("given", () => this.again(), { signal: this.stop.signal });
    this.again();
  }

  /** What is in this element stays, and shows itself in another language. */
  update() {
    this.updateStatus();
  }

  /** Show the build that the address has, and what is in the files: at first, and once there is a key. */
  again() {
    const { build } = state.values;
    if (build && !this.build && !this.isUnderWay) this.follow(() => watch(build, (now) => this.show(now), this.work.signal));
    if (PARTS.some((part) => this.drops[part].files.length)) this.inspectSoon();
  }

  // What is in the files

  inspectSoon() {
    clearTimeout(this.timer);
    this.looking?.abort();
    if (!this.isUnderWay) {
      this.problem = null;
      this.options.mark(null);
    }
    for (const drop of Object.values(this.drops)) if (drop.files.length) drop.show(drop.found, true);
    this.timer = setTimeout(() => this.inspect(), INSPECT_AFTER_MILLISECONDS);
    this.update();
  }

  async inspect() {
    this.looking = new AbortController();
    const { signal } = this.looking;
    const sample = sampleOf(this.drops.keypoints.files);
    this.unread = sample.unread;
    const parts = { keypoints: sample.files, labels: sampleOf(this.drops.labels.files, Infinity).files, split: sampleOf(this.drops.split.files, Infinity).files };
    const hasFiles = (part) => this.drops[part].files.length > 0;
    if (!PARTS.some(hasFiles)) return this.found(null);
    try {
      this.found(await requestJson("annotation/inspect", { method: "POST", body: formOf(parts, this.options.values), signal }));
    } catch (error) {
      if (error.name === "AbortError") return;
      if (error.status === 503) {
        this.timer = setTimeout(() => this.inspect(), BUSY_MILLISECONDS);
        return;
      }
      this.found(null);
      if (!this.isUnderWay && !this.build) this.fail(error);
    }
  }

  found(contents) {
    this.contents = contents;
    if (!this.report.report) this.report.update();
    for (const part of PARTS) this.drops[part].show(contents?.[part] ?? null, false);
    this.update();
  }

  /** Beside the report: before there is one, how the names match. */
  besideReport() {
    if (this.report.report) return [];
    const lines = matchLines(this.contents, this.problemLine).filter(Boolean);
    return lines.length || this.build ? lines : [h("p", { class: "hint" }, t("dataset.report.none"))];
  }

  // The build

  get isUnderWay() {
    return this.sent !== null || ["queued", "running"].includes(this.build?.state);
  }

  start(path) {
    const parts = Object.fromEntries(PARTS.map((part) => [part, this.drops[part].files]));
    this.follow(async () => {
      const { signal } = this.work;
      this.sent = { loaded: 0, total: 0 };
      this.update();
      const onprogress = (loaded, total) => {
        this.sent = { loaded, total };
        this.update();
      };
      const build = await upload(path, formOf(parts, this.options.values), onprogress, signal);
      state.set({ build: build.id });
      this.sent = null;
      await watch(build.id, (now) => this.show(now), signal);
    });
  }

  /** Do some work on a build; the work before is given up. */
  async follow(work) {
    this.work?.abort();
    this.work = new AbortController();
    Object.assign(this, { build: null, sent: null, problem: null });
    Object.assign(this.report, { report: null, artifacts: [] });
    this.report.update();
    this.options.mark(null);
    try {
      await work();
      await this.end();
    } catch (error) {
      this.sent = null;
      if (error.name !== "AbortError") this.fail(error);
    }
    this.update();
  }

  show(build) {
    this.build = build;
    this.update();
  }

  async end() {
    const { id, state: ended, artifacts, links, problem } = this.build;
    const all = links.bundle ? [{ name: "bundle.zip" }, ...artifacts] : artifacts;
    this.report.artifacts = all.map((file) => ({ ...file, href: fileUrl(id, file.name) }));
    if (links.report) this.report.report = await reportOf(id);
    this.report.update();
    if (ended === "failed") this.fail(problem);
  }

  fail(problem) {
    this.problem = problem;
    this.options.mark(problem.field, problem.detail ?? problem.message);
    this.update();
  }

  async cancel() {
    const { build } = this;
    this.work.abort();
    Object.assign(this, { build: null, sent: null });
    state.set({ build: "" });
    this.update();
    if (build) await remove(build.id).catch((error) => this.fail(error));
  }

  // The line below

  /** The buttons stay: one of them may be what is just being clicked. */
  updateStatus() {
    const { build, check, cancel } = this.buttons;
    const isMissing = (part) => !this.drops[part].files.length && !(part === "keypoints" && this.options.values.dataset);
    // Labels may be in an archive or a folder of keypoints, as AIHub's are: the service says so where they are not.
    const mayHoldLabels = this.drops.keypoints.files.length > 0;
    const missing = ["keypoints", "labels"].filter((part) => isMissing(part) && !(part === "labels" && mayHoldLabels));
    for (const [key, button] of Object.entries(this.buttons)) button.textContent = t(`dataset.${key}`);
    for (const button of [build, check]) Object.assign(button, { disabled: missing.length > 0, hidden: this.isUnderWay });
    cancel.hidden = !this.isUnderWay;
    const facts = this.isUnderWay ? this.progress() : [h("span", { class: "hint" }, missing.length ? t(`dataset.missing.${missing.join("_")}`) : this.ended())];
    this.facts.replaceChildren(...facts);
    if (this.shownProblem !== this.problem) this.wrong.replaceChildren(...(this.problem ? [this.problemLine(this.problem)] : []));
    this.shownProblem = this.problem;
  }

  ended() {
    if (!this.build) return "";
    const { state: ended, progress } = this.build;
    const isCheck = ended === "done" && !this.build.artifacts.some(({ name }) => name.endsWith(".pkl"));
    const key = isCheck ? "checked" : ended;
    return t(`dataset.state.${key}`, { files: number(progress?.files_read ?? 0), seconds: number(progress?.seconds ?? 0, 1) });
  }

  progress() {
    const { sent, build } = this;
    const bar = (value) => h("progress", { max: 1, value, "aria-label": t("dataset.progress") });
    if (sent) {
      const text = t("dataset.sending", { sent: bytes(sent.loaded), total: bytes(sent.total) });
      return [bar(sent.total ? sent.loaded / sent.total : null), h("span", { class: "fact" }, text)];
    }
    const { progress } = build;
    if (!progress) return [bar(null), h("span", { class: "fact" }, t("dataset.stage.waiting"))];
    const { part, rate, left } = paceOf(progress);
    const facts = [t(`dataset.stage.${progress.stage}`), part !== null && t("dataset.read", { read: number(progress.files_read), files: number(progress.files) }),
      rate !== null && t("dataset.rate", { rate: number(Math.round(rate)) }), left !== null && t("dataset.seconds_left", { seconds: number(Math.ceil(left)) })];
    return [bar(part), h("span", { class: "fact" }, facts.filter(Boolean).join(" · "))];
  }

  // Problems, and the rows that they are about

  /** A problem in words; rows of files that it names are shown when they are clicked. */
  problemLine(problem) {
    const line = h("div", { class: "problem", role: "alert" });
    const names = [...this.drops.labels.files, ...this.drops.split.files].map(({ name }) => name);
    const parts = rowsIn(problem.detail ?? problem.message ?? "", names).map((part) =>
      typeof part === "string" ? part
        : h("button", { class: "link", type: "button", onclick: () => this.showRow(line, part.file, part.row) }, part.text));
    line.append(h("p", {}, ...parts));
    return line;
  }

  async showRow(place, name, row) {
    const text = await this.textOf(name);
    this.showLines(place, name, text === null ? [] : linesAround(text, row), t("dataset.row.workbook", { row }));
  }

  /** The row of labels or split that names a video. */
  async findName(video, place) {
    for (const { name } of [...this.drops.labels.files, ...this.drops.split.files]) {
      const text = await this.textOf(name);
      const at = text?.indexOf(video) ?? -1;
      if (at >= 0) return this.showLines(place, name, linesAround(text, text.slice(0, at).split(/\r\n|\r|\n/).length), "");
    }
    return this.showLines(place, "", [], t("dataset.row.none"));
  }

  showLines(place, name, lines, otherwise) {
    place.querySelector(".rows")?.remove();
    const shown = lines.map(({ row, text, isMeant }) => h("code", { class: isMeant ? "is-meant" : null }, h("i", {}, row), ` ${text.slice(0, 300)}`));
    place.append(h("div", { class: "rows" }, shown.length ? [h("span", { class: "hint" }, name), ...shown] : h("span", { class: "hint" }, otherwise)));
  }

  /** The text of a file that was sent; null of a workbook, an archive, or a large one. */
  async textOf(name) {
    const file = [...this.drops.labels.files, ...this.drops.split.files].find((each) => each.name === name)?.file;
    if (!file || file.size > TEXT_BYTES || /\.(xlsx|zip|tar|t?gz)$/i.test(name)) return null;
    const encoding = this.contents?.labels?.files?.find((each) => each.file === name)?.encoding ?? this.options.values.encoding ?? "utf-8";
    let decoder = new TextDecoder();
    try {
      decoder = new TextDecoder(ENCODINGS[encoding] ?? encoding);
    } catch {
      // An encoding that browsers do not know: the row is there, its letters are not.
    }
    return decoder.decode(await file.arrayBuffer());
  }
}
customElements.define("dataset-builder", DatasetBuilder);
