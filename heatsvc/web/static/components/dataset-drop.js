// <dataset-drop part="keypoints">: where files of one kind are dropped or chosen, and what was found in them.
import { Component, h } from "../dom.js";
import { bytes, language, number, t } from "../strings.js";
import { chosenFiles, droppedFiles, withoutOthers } from "./dataset-files.js";

export class DatasetDrop extends Component {
  files = [];
  left = 0;
  /** What POST /annotation/inspect says of them; null where it has said nothing yet. */
  found = null;
  isBusy = false;
  lines = () => [];

  get part() {
    return this.getAttribute("part");
  }

  connectedCallback() {
    super.connectedCallback();
    const { signal } = this.stop;
    const over = (isOver) => (event) => {
      event.preventDefault();
      event.stopPropagation();
      this.classList.toggle("is-over", isOver);
    };
    this.addEventListener("dragover", over(true), { signal });
    this.addEventListener("dragleave", over(false), { signal });
    this.addEventListener("drop", async (event) => {
      over(false)(event);
      this.take(await droppedFiles(event.dataTransfer));
    }, { signal });
  }

  /** Take files in place of those that are there; other ones of the same names are added where there are some. */
  take(files) {
    if (!files.length) return;
    const { kept, left } = withoutOthers(files);
    const names = new Set(kept.map(({ name }) => name));
    this.change([...this.files.filter(({ name }) => !names.has(name)), ...kept], this.left + left);
  }

  change(files, left) {
    Object.assign(this, { files, left, found: null, isBusy: files.length > 0 });
    this.update();
    this.dispatchEvent(new Event("change", { bubbles: true }));
  }

  show(found, isBusy) {
    Object.assign(this, { found, isBusy });
    this.update();
  }

  /** What chooses files stays: its dialog may be open. */
  update() {
    if (this.language !== language()) {
      this.language = language();
      this.body = h("div", { "aria-live": "polite" });
      const title = h("h2", {}, t(`dataset.${this.part}`));
      const choosers = [this.chooser("dataset.choose", { multiple: true }), this.part === "keypoints" && this.chooser("dataset.choose.folder", { webkitdirectory: true })];
      this.replaceChildren(h("section", { "aria-label": title.textContent }, h("div", { class: "choosers" }, title, choosers), this.body));
    }
    this.body.replaceChildren(...this.bodyLines().flat().filter(Boolean));
  }

  bodyLines() {
    if (!this.files.length) return [h("p", { class: "hint" }, t(`dataset.${this.part}.hint`))];
    const size = this.files.reduce((sum, { file }) => sum + file.size, 0);
    return [
      h("p", { class: "fact" },
        h("b", {}, t(this.files.length === 1 ? "dataset.file" : "dataset.files", { count: number(this.files.length), name: this.files[0].name })),
        ` · ${bytes(size)} `,
        h("button", { class: "quiet", type: "button", onclick: () => this.change([], 0) }, t("dataset.remove"))),
      this.left > 0 && h("p", { class: "hint" }, t("dataset.left", { count: number(this.left) })),
      this.isBusy && h("p", { class: "hint busy" }, t("dataset.looking")),
      this.lines(this.found),
    ];
  }

  chooser(key, properties) {
    const input = h("input", { type: "file", class: "visually-hidden", ...properties,
      onchange: () => {
      this.take(chosenFiles(input));
      input.value = ""; // the same file may be chosen again
    } });
    return h("label", { class: "button" }, t(key), input);
  }
}
customElements.define("dataset-drop", DatasetDrop);
