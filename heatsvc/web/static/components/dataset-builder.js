// <dataset-builder>: keypoints, labels, split and options; their inspection, the build, its report.
import { apiKey, request, requestJson } from "../api.js";
import { Component, h, markField } from "../dom.js";
import { formOf, sampleOf } from "../files.js";
import { fieldsOf } from "../schema.js";
import { state } from "../state.js";
import { bytes, joined, number, t } from "../strings.js";
import { fileUrl, isRunning, upload, watch } from "./dataset-build.js";
import { LINES, matchLines } from "./dataset-found.js";
import { RowFinder } from "./dataset-rows.js";
import "./dataset-drop.js";
import "./dataset-report.js";

const PARTS = ["keypoints", "labels", "split"];
/** The options that are not folded, in their order. */
const FIRST = ["img_shape", "select", "faulty", "missing", "split_policy", "split"];
const INSPECT_AFTER_MILLISECONDS = 150;
/** Time after which an inspection is requested again when the service is busy (503). */
const BUSY_MILLISECONDS = 2000;

class DatasetBuilder extends Component {
  contents = null; // the response of POST /annotation/inspect
  build = null;
  sent = null; // {loaded, total} of an upload

  async connected() {
    this.drops = Object.fromEntries(PARTS.map((part) => [part, this.querySelector(`[part=${part}]`)]));
    this.form = this.querySelector("schema-form");
    this.report = this.querySelector("dataset-report");
    this.report.find = (place, name) => this.rows.find(place, name);
    this.querySelector(".build").onclick = () => this.start("annotation");
    this.querySelector(".check").onclick = () => this.start("annotation/check");
    this.querySelector(".cancel").onclick = () => this.cancel();
    this.on(this, "change", ({ target }) => (target === this.form || target.part) && this.inspectSoon());
    this.on(apiKey, "given", () => this.begin());
    await this.begin();
  }

  /** Show the options, the build in the address, and what is in the files. Called at the start, and with a new key. */
  async begin() {
    const { build } = state.values;
    if (build && !this.isUnderWay && !this.build) this.follow((signal) => this.watch(build, signal));
    if (PARTS.some((part) => this.drops[part].files.length)) this.inspectSoon();
    if (this.form.fields.length) return;
    const { components } = await requestJson("openapi.json").catch((error) => this.showProblem(error) ?? {});
    if (!components) return;
    const rank = ({ name }) => (FIRST.indexOf(name) + FIRST.length + 1) % (FIRST.length + 1);
    const fields = fieldsOf(components.schemas.AnnotationOptions).sort((one, other) => rank(one) - rank(other));
    Object.assign(this.form, { fields, prefix: "options.", texts: "option", first: FIRST.length }).update();
  }

  get rows() {
    const { files = [] } = this.contents?.labels ?? {};
    const encodingOf = (name) => files.find(({ file }) => file === name)?.encoding;
    const sent = [...this.drops.labels.files, ...this.drops.split.files];
    return new RowFinder(sent, (name) => encodingOf(name) || this.form.values.encoding || "utf-8");
  }

  get files() {
    return Object.fromEntries(PARTS.map((part) => [part, this.drops[part].files]));
  }

  // What is in the files

  inspectSoon() {
    clearTimeout(this.timer);
    this.looking?.abort();
    if (!this.isUnderWay) this.showProblem(null);
    for (const drop of Object.values(this.drops)) if (drop.files.length) drop.show(drop.lines, true);
    this.timer = setTimeout(() => this.inspect(), INSPECT_AFTER_MILLISECONDS);
    this.update();
  }

  async inspect() {
    const { signal } = (this.looking = new AbortController());
    const { keypoints, labels, split } = this.files;
    const { files, unread } = sampleOf(keypoints);
    const body = formOf({ keypoints: files, labels, split }, this.form.values);
    const isEmpty = !files.length && !labels.length && !split.length;
    this.unread = unread;
    try {
      this.contents = isEmpty ? null : await requestJson("annotation/inspect", { method: "POST", body, signal });
    } catch (error) {
      if (signal.aborted) return;
      if (error.status === 503) return void (this.timer = setTimeout(() => this.inspect(), BUSY_MILLISECONDS));
      this.contents = null;
      if (!this.isUnderWay && !this.build) this.showProblem(error);
    }
    this.update();
    for (const part of PARTS) this.drops[part].show(this.linesFor(part), false);
  }

  linesFor(part) {
    const found = this.contents?.[part];
    const problem = (each) => this.rows.problem(each);
    if (!found) return [];
    return [found.problem && problem(found.problem), LINES[part](found, problem, this.unread)];
  }

  // The build

  get isUnderWay() {
    return this.sent !== null || isRunning(this.build);
  }

  start(path) {
    this.follow(async (signal) => {
      const onprogress = (loaded, total) => {
        this.sent = { loaded, total };
        this.update();
      };
      onprogress(0, 0);
      const build = await upload(path, formOf(this.files, this.form.values), onprogress, signal);
      state.set({ build: build.id });
      this.sent = null;
      await this.watch(build.id, signal);
    });
  }

  /** Show a build until it has ended. */
  watch(id, signal) {
    return watch(id, (build) => {
      this.build = build;
      if (isRunning(build) && build.progress?.files) this.report.show({ report: build.progress.report });
      this.update();
    }, signal);
  }

  /** Call a function for a build, show the result, and abort an earlier call. */
  async follow(work) {
    this.work?.abort();
    const { signal } = (this.work = new AbortController());
    Object.assign(this, { build: null, sent: null });
    this.showProblem(null);
    this.report.show({ report: null, artifacts: [] });
    try {
      await work(signal);
      await this.end();
    } catch (error) {
      if (signal.aborted) return;
      this.sent = null;
      this.showProblem(error);
    }
    this.update();
  }

  async end() {
    const { id, state: ended, artifacts, links, problem } = this.build;
    const files = [...(links.bundle ? [{ name: "bundle.zip" }] : []), ...artifacts];
    const report = links.report ? await requestJson(fileUrl(id, "report.json")) : null;
    this.report.show({ report, artifacts: files.map((file) => ({ ...file, href: fileUrl(id, file.name) })) });
    if (ended === "failed") this.showProblem(problem);
  }

  showProblem(problem) {
    this.querySelector(".wrong").replaceChildren(...(problem ? [this.rows.problem(problem)] : []));
    markField(this, problem?.field ?? "");
  }

  async cancel() {
    const { build } = this;
    this.work.abort();
    Object.assign(this, { build: null, sent: null });
    this.report.show({ report: null, artifacts: [] });
    state.set({ build: "" });
    this.update();
    if (build) await request(`annotation/${build.id}`, { method: "DELETE" }).catch((error) => this.showProblem(error));
  }

  // The status line, and the inspection in place of the report

  update() {
    const { isUnderWay } = this;
    // A dataset needs labels, unless they are among the keypoints, as AIHub's are; the service reports missing ones.
    const { keypoints, labels } = this.files;
    const needed = { keypoints: this.form.values.dataset, labels: labels.length };
    const missing = keypoints.length ? "" : Object.keys(needed).filter((part) => !needed[part]).join("_");
    this.querySelector(".cancel").hidden = !isUnderWay;
    for (const name of [".build", ".check"])
      Object.assign(this.querySelector(name), { hidden: isUnderWay, disabled: missing !== "" });
    const bar = this.querySelector("progress");
    const [part, text] = isUnderWay ? this.progress() : [0, missing ? t(`dataset.missing.${missing}`) : this.ended()];
    bar.hidden = !isUnderWay;
    if (part === null) bar.removeAttribute("value");
    else bar.value = part;
    this.querySelector(".facts").textContent = text;
    if (this.report.report) return this.report.show({ lines: [] });
    const lines = this.contents?.videos ? matchLines(this.contents, (each) => this.rows.problem(each)) : [];
    this.report.show({ lines: lines.length || this.build ? lines : h("p.hint", t("dataset.report.none")) });
  }

  ended() {
    if (!this.build) return "";
    const { state: ended, progress, artifacts } = this.build;
    const isCheck = ended === "done" && !artifacts.some(({ name }) => name.endsWith(".pkl"));
    const facts = { files: number(progress?.files_read ?? 0), seconds: number(progress?.seconds ?? 0, 1) };
    return t(`dataset.state.${isCheck ? "checked" : ended}`, facts);
  }

  /** The progress of the upload or build: a number from 0 to 1, or null, and a text. */
  progress() {
    const { sent, build } = this;
    if (sent) {
      const text = t("dataset.sending", { sent: bytes(sent.loaded), total: bytes(sent.total) });
      return [sent.total ? sent.loaded / sent.total : null, text];
    }
    const { stage = "waiting", files, files_read: read, ...pace } = build.progress ?? {};
    const { files_per_second: rate, seconds_left: left } = pace;
    const text = joined(
      t(`dataset.stage.${stage}`),
      files && t("dataset.read", { read: number(read), files: number(files) }),
      rate && t("dataset.rate", { rate: number(Math.round(rate)) }),
      typeof left === "number" && t("dataset.seconds_left", { seconds: number(Math.ceil(left)) }));
    return [files ? read / files : null, text];
  }
}
customElements.define("dataset-builder", DatasetBuilder);
