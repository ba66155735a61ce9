// The two menus at the stage's corner: copy as, and download.
import { Problem, request, requestJson, storedKey } from "../api.js";
import { asConfig, asCurl, asPython } from "../copy-as.js";
import { Component, h } from "../dom.js";
import { model } from "../model.js";
import { optionsOf, pictureOf, pipelineOf, state } from "../state.js";
import { t } from "../strings.js";

const FILES = { "application/x-npy": "npy", "application/vnd.safetensors": "safetensors", "application/x-npz": "npz", "image/png": "png", "image/gif": "gif", "image/webp": "webp", "video/mp4": "mp4" };

class ViewMenus extends Component {
  static events = [[model, "volume"], [model, "catalogue"]];
  kind = "curl";

  render() {
    const isOpen = (name) => this.querySelector(`.${name}`)?.open ?? false;
    const menu = (name, body, ontoggle) =>
      h("details", { class: `menu ${name}`, open: isOpen(name), ontoggle }, h("summary", {}, t(`menu.${name}`)), h("div", { class: "sheet" }, body));
    this.text = h("textarea", { readonly: true, spellcheck: "false", "aria-label": t("copy.text"), rows: 9 });
    this.done = h("output", { class: "quiet" });
    const kinds = ["curl", "python", "config"].map((kind) =>
      h("button", { class: "chip", "aria-pressed": String(kind === this.kind), onclick: () => ((this.kind = kind), this.update()) }, t(`copy.${kind}`)));
    this.offers = h("div", { class: "chips" }, this.offered ?? t("status.loading"));
    const parts = [
      menu("copy", [h("div", { class: "chips" }, kinds), this.text, h("div", { class: "chips" }, h("button", { class: "primary", onclick: () => this.copy() }, t("copy.do")), this.done)], () => this.fill()),
      menu("download", this.offers, ({ target }) => target.open && this.offer()),
    ];
    this.fill();
    return parts;
  }

  connectedCallback() {
    super.connectedCallback();
    state.addEventListener("change", () => this.querySelector(".copy").open && this.fill(), { signal: this.stop.signal });
  }

  fill() {
    const pipeline = pipelineOf(state.values);
    const steps = Array.isArray(pipeline) ? pipeline : (model.catalogue.presets.find((each) => each.name === pipeline)?.steps ?? []);
    const request = { url: new URL(".", document.baseURI).href, files: model.files.map((file) => file.name), options: optionsOf(state.values), needsKey: Boolean(storedKey()) };
    this.text.value = this.kind === "config" ? asConfig(steps) : this.kind === "curl" ? asCurl(request) : asPython(request);
    this.done.textContent = "";
  }

  /** Over plain HTTP there is no clipboard but the selection's. */
  async copy() {
    this.text.select();
    try {
      await navigator.clipboard.writeText(this.text.value);
    } catch {
      document.execCommand("copy");
    } finally {
      this.done.textContent = t("copy.done");
    }
  }

  /** The formats that this service has, as its OpenAPI document says. */
  async offer() {
    if (this.offered) return;
    const openapi = await requestJson("openapi.json");
    const types = Object.keys(openapi.paths["/heatmap"].post.responses[200].content);
    this.offered = types.filter((type) => type in FILES).map((type) => h("button", { class: "chip", onclick: (event) => this.download(type, event.target) }, FILES[type]));
    this.offers.replaceChildren(...this.offered);
  }

  async download(type, button) {
    button.disabled = true;
    try {
      const options = { ...optionsOf(state.values), picture: pictureOf(state.values, model.channels, type) };
      const response = await request("heatmap", { method: "POST", body: model.form(options), headers: { Accept: type } });
      const url = URL.createObjectURL(await response.blob());
      const name = (model.clip?.frame_dir || "heatmaps").replace(/[\\/:*?"<>|]/g, "_");
      h("a", { href: url, download: `${name}.${FILES[type]}` }).click();
      setTimeout(() => URL.revokeObjectURL(url), 60_000);
    } catch (error) {
      model.fail(error instanceof Problem ? error : new Problem({ title: t("problem.page"), detail: error.message }));
    } finally {
      button.disabled = false;
    }
  }
}

customElements.define("view-menus", ViewMenus);
