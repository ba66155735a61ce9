// Asks for the API key, where the service wants one.
import { apiKey, setApiKey } from "../api.js";
import { Component, h } from "../dom.js";
import { t } from "../strings.js";

class KeyPrompt extends Component {
  static events = ["needed", "given"].map((name) => [apiKey, name]);

  connectedCallback() {
    apiKey.addEventListener("needed", () => (this.isNeeded = true));
    apiKey.addEventListener("given", () => (this.isNeeded = false));
    super.connectedCallback();
  }

  render() {
    if (!this.isNeeded) return null;
    const input = h("input", { type: "password", autocomplete: "off", required: true, "data-field": "key" });
    const submit = (event) => (event.preventDefault(), setApiKey(input.value));
    return h("form", { onsubmit: submit }, h("label", {}, h("span", {}, t("key.needed")), input), h("button", { class: "primary" }, t("key.use")), h("small", {}, t("key.kept")));
  }
}

customElements.define("key-prompt", KeyPrompt);
