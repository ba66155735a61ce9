// <dataset-drop part="keypoints">: takes files of one part of the form, and shows what was found in them.
import { Component, h } from "../dom.js";
import { chosenFiles, droppedFiles, sizeOf, withoutOthers } from "../files.js";
import { bytes, number, t } from "../strings.js";

class DatasetDrop extends Component {
  part = this.getAttribute("part");
  files = [];
  left = 0; // number of files that were left out
  isBusy = false;
  lines = []; // elements with what was found

  connected() {
    const choosers = [this.chooser("dataset.choose", { multiple: true })];
    if (this.part === "keypoints") choosers.push(this.chooser("dataset.choose.folder", { webkitdirectory: true }));
    this.heading = h("h2");
    this.body = h("div", { "aria-live": "polite" });
    this.append(h("section", h("div.choosers", this.heading, choosers), this.body));
    this.on(this, "dragover dragleave drop", (event) => {
      event.preventDefault();
      this.classList.toggle("is-over", event.type === "dragover");
    });
    this.on(this, "drop", async ({ dataTransfer }) => this.take(await droppedFiles(dataTransfer)));
  }

  chooser(key, properties) {
    const onchange = () => {
      this.take(chosenFiles(input));
      input.value = ""; // the same file may be chosen again
    };
    const input = h("input", { type: "file", class: "visually-hidden", ...properties, onchange });
    return h("label.button.link", h("span", { "data-text": key }, t(key)), input);
  }

  /** Add files; a file replaces one of the same name. */
  take(files) {
    if (!files.length) return;
    const { kept, left } = withoutOthers(files);
    const names = new Set(kept.map(({ name }) => name));
    this.change([...this.files.filter(({ name }) => !names.has(name)), ...kept], this.left + left);
  }

  change(files, left) {
    Object.assign(this, { files, left });
    this.show([], files.length > 0);
    this.dispatchEvent(new Event("change", { bubbles: true }));
  }

  show(lines, isBusy) {
    Object.assign(this, { lines, isBusy });
    this.update();
  }

  /** Update the texts. The file inputs are not replaced: a dialog may be open. */
  update() {
    this.heading.textContent = this.firstElementChild.ariaLabel = t(`dataset.${this.part}`);
    this.body.replaceChildren(h("div", this.files.length ? this.facts() : h("p.hint", t(`dataset.${this.part}.hint`))));
  }

  facts() {
    const many = t("dataset.files", { count: number(this.files.length) });
    const name = this.files.length === 1 ? this.files[0].name : many;
    return [
      h("p.fact", h("b", name), ` · ${bytes(sizeOf(this.files))} `,
        h("button.link", { onclick: () => this.change([], 0) }, t("dataset.remove"))),
      this.left > 0 && h("p.hint", t("dataset.left", { count: number(this.left) })),
      this.isBusy && h("p.hint.busy", t("dataset.looking")),
      this.lines,
    ];
  }
}
customElements.define("dataset-drop", DatasetDrop);
