// The status line: facts. Under it, in words, what may be wrong.
import { Component, h } from "../dom.js";
import { model } from "../model.js";
import { bytes, hasString, number, t } from "../strings.js";

class ClipStatus extends Component {
  static events = ["volume", "problem", "loading"].map((name) => [model, name]);

  render() {
    return [h("div", { class: "facts" }, this.facts()), h("div", { class: "findings", role: "status" }, model.problem && this.problem(model.problem), this.findings())];
  }

  facts() {
    const { volume, response, isLoading } = model;
    if (!volume) return h("span", { class: "quiet" }, t(isLoading ? "status.loading" : "status.nothing"));
    const total = response.stages.reduce((sum, [, duration]) => sum + duration, 0);
    const stages = response.stages.map(([stage, duration]) => `${t(`stage.${stage}`)} ${number(duration, 2)} ms`).join("\n");
    const ratio = volume.nbytes / response.size;
    return [
      h("span", {}, h("b", {}, `[${volume.shape.join(", ")}]`), ` ${volume.dtype}`),
      h("span", {}, t("status.bytes", { size: bytes(response.size), all: bytes(volume.nbytes), ratio: number(ratio, ratio < 10 ? 1 : 0) })),
      h("span", {}, response.coding),
      h("button", { class: "plain timing", "data-tip": stages, "aria-description": stages }, `${number(total, 1)} ms`),
      response.seed && h("span", {}, `seed ${response.seed}`),
      isLoading && h("span", { class: "quiet" }, t("status.loading")),
    ];
  }

  problem({ status, title, detail, file, field, frame }) {
    const where = [file, field, frame !== undefined && t("stage.frame", { frame })].filter(Boolean).join(" · ");
    const heading = hasString(`problem.${status}`) ? t(`problem.${status}`) : title;
    return h("p", { class: "problem" }, h("b", {}, `✕ ${heading} `), h("span", { lang: "en" }, detail), h("code", {}, where));
  }

  findings() {
    return model.findings.map((finding) =>
      h("details", { class: finding.severity },
        h("summary", {}, `⚠ ${t(`finding.${finding.code}`)}`, h("u", {}, t("status.meaning"))),
        h("p", { lang: "en" }, `${finding.detail[0].toUpperCase()}${finding.detail.slice(1)}. ${finding.what_to_do}`)),
    );
  }
}

customElements.define("clip-status", ClipStatus);
