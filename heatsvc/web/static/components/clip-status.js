// The status line, and under it problems and findings.
import { Component, h } from "../dom.js";
import { model } from "../model.js";
import { bytes, joined, number, t } from "../strings.js";

class ClipStatus extends Component {
  connected() {
    this.on(model, "volume problem loading", () => this.update());
  }

  render() {
    const { problem, findings } = model;
    const texts = [problem && problemText(problem), findings.map(findingText)];
    return [h("div.facts", this.facts()), h("div.findings", { role: "status" }, texts)];
  }

  facts() {
    const { volume, response, isLoading } = model;
    const without = isLoading ? "status.loading" : volume ? "status.stale" : "status.nothing";
    if (!volume || model.isStale) return h("span.quiet", t(without));
    const { byteLength } = volume.data;
    const total = response.stages.reduce((sum, [, duration]) => sum + duration, 0);
    const line = ([stage, duration]) => `${t(`stage.${stage}`)} ${number(duration, 2)} ms`;
    const tip = response.stages.map(line).join("\n");
    const ratio = byteLength / response.size;
    const size = { size: bytes(response.size), all: bytes(byteLength), ratio: number(ratio, ratio < 10 ? 1 : 0) };
    return [
      h("span", h("b", `[${volume.shape.join(", ")}]`), ` ${volume.dtype}`),
      h("span", t("status.bytes", size)),
      h("span", response.coding),
      h("button.plain.timing", { "data-tip": tip, "aria-description": tip }, `${number(total, 1)} ms`),
      response.seed && h("span", `seed ${response.seed}`),
      isLoading && h("span.quiet", t("status.loading")),
    ];
  }
}

function problemText({ status, title, detail, file, field, frame }) {
  const where = joined(file, field, frame !== undefined && t("stage.frame", { frame }));
  const heading = `✕ ${t(`problem.${status}`, {}, title)} `;
  return h("p.problem", h("b", heading), h("span", { lang: "en" }, detail), h("code", where));
}

function findingText({ severity, code, detail, what_to_do }) {
  return h("details", { class: severity },
    h("summary", `⚠ ${t(`finding.${code}`)}`, h("u", t("status.meaning"))),
    h("p", { lang: "en" }, `${detail[0].toUpperCase()}${detail.slice(1)}. ${what_to_do}`));
}

customElements.define("clip-status", ClipStatus);
