// The status line: facts. Under it, in words, what may be wrong.
import { Component, h } from "../dom.js";
import { model } from "../model.js";
import { bytes, hasString, number, t } from "../strings.js";

class ClipStatus extends Component {
  static events = ["volume", "problem", "loading"].map((name) => [model, name]);

  render() {
    return [h("div", { class: "facts" }, this.facts()), h("div", { class: "findings", role: "status" }, this.findings())];
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
      h("button", { class: "plain timing", "data-tip": stages, "aria-label": `${number(total, 1)} ms. ${stages}` }, `${number(total, 1)} ms`),
      response.seed && h("span", {}, `seed ${response.seed}`),
      isLoading && h("span", { class: "quiet" }, t("status.loading")),
    ];
  }

  findings() {
    const { problem, clip } = model;
    if (problem) {
      const where = [problem.file, problem.field, problem.frame !== undefined && t("stage.frame", { frame: problem.frame })];
      const title = hasString(`problem.${problem.status}`) ? t(`problem.${problem.status}`) : problem.title;
      return h("p", { class: "problem" }, h("b", {}, `✕ ${title} `), h("span", { lang: "en" }, problem.detail), h("code", {}, where.filter(Boolean).join(" · ")));
    }
    return (clip?.findings ?? []).map((finding) =>
      h("details", { class: finding.severity },
        h("summary", {}, `⚠ ${t(`finding.${finding.code}`)}`, h("u", {}, t("status.meaning"))),
        h("p", { lang: "en" }, `${finding.detail[0].toUpperCase()}${finding.detail.slice(1)}. ${finding.what_to_do}`)),
    );
  }
}

customElements.define("clip-status", ClipStatus);
