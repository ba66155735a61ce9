// The menus "Copy as" and "Download".
import { requestJson, storedKey } from "../api.js";
import { asConfig, asCurl, asPython } from "../copy-as.js";
import { Component, h, markField, saveAs } from "../dom.js";
import { model } from "../model.js";
import { fieldsOf } from "../schema.js";
import { optionsOf, pictureOf, state } from "../state.js";
import { t } from "../strings.js";

/** The extension of a media type: "npy" for "application/x-npy". */
const extensionOf = (type) => type.split(/\W/).at(-1);
/** Options of pictures that the view sets. */
const OF_VIEW = ["mode", "channel", "frame", "fps"];

class ViewMenus extends Component {
  connected() {
    const [copy, downloads] = this.querySelectorAll("[popover]");
    this.text = this.querySelector("textarea");
    this.picture = this.querySelector("schema-form");
    this.querySelector(".primary").onclick = () => this.copy();
    this.on(model, "volume catalogue", () => this.update());
    this.on(model, "volume problem", () => markField(this, model.problem?.field ?? ""));
    this.on(state, "change", ({ detail }) => detail.join() !== "frame" && this.update());
    this.on(copy, "toggle change", () => this.update());
    this.on(downloads, "toggle", ({ newState }) => newState === "open" && model.attempt(() => this.offer(), false));
  }

  update() {
    const options = optionsOf(state.values);
    const request = {
      url: new URL(".", document.baseURI).href,
      files: model.files.map(({ name }) => name),
      sample: model.isSample ? "static/sample.npz" : null,
      options,
      needsKey: Boolean(storedKey()),
    };
    const texts = { curl: asCurl, python: asPython, config: () => asConfig(document.querySelector("step-list").steps) };
    this.text.value = texts[this.querySelector("[name=copy]:checked").value](request);
    this.querySelector("output").textContent = "";
  }

  /** Copy the text. Over plain HTTP, navigator.clipboard is undefined. */
  async copy() {
    this.text.select();
    const isCopied = await navigator.clipboard?.writeText(this.text.value).then(() => true, () => false);
    if (isCopied || document.execCommand("copy")) this.querySelector("output").textContent = t("copy.done");
    else model.fail(new Error(t("copy.failed")), false);
  }

  /** Show the formats of this service and the options of pictures, from its OpenAPI document. */
  async offer() {
    const formats = this.querySelector(".formats");
    if (formats.childElementCount) return;
    const { paths, components } = await requestJson("openapi.json");
    const { content } = paths["/heatmap"].post.responses[200];
    const types = Object.keys(content).filter((type) => type !== "application/json");
    const onclick = (type) => ({ target }) => this.download(type, target);
    formats.append(...types.map((type) => h("button.chip", { onclick: onclick(type) }, extensionOf(type))));
    const fields = fieldsOf(components.schemas.PictureOptions).filter(({ name }) => !OF_VIEW.includes(name));
    Object.assign(this.picture, { fields, prefix: "picture.", texts: "picture" }).update();
  }

  async download(type, button) {
    button.disabled = true;
    await model.attempt(async () => {
      const options = { ...optionsOf(state.values), picture: pictureOf(state.values, type, this.picture.values) };
      const response = await model.post("heatmap", options, { headers: { Accept: type } });
      const name = (model.clip?.frame_dir || "heatmaps").replace(/[\\/:*?"<>|]/g, "_");
      saveAs(await response.blob(), `${name}.${extensionOf(type)}`);
    }, false);
    button.disabled = false;
  }
}

customElements.define("view-menus", ViewMenus);
