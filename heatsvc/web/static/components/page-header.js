// The header: tabs, file, clip, language, theme, documentation.
import { Component, h } from "../dom.js";
import { chosenFiles } from "../files.js";
import { model } from "../model.js";
import { formatFragment, state } from "../state.js";
import { count, joined, language, number, setLanguage, t } from "../strings.js";

const MOST_LISTED = 200;

class PageHeader extends Component {
  connected() {
    this.on(model, "list volume", () => this.update());
    this.on(state, "change", ({ detail }) => detail.join() !== "frame" && this.update());
    this.file = this.querySelector("input[type=file]");
    this.list = this.querySelector("#clips");
    this.search = this.querySelector("input[type=search]");
    this.file.onchange = () => model.open(chosenFiles(this.file));
    this.search.oninput = () => this.fill();
    this.list.ontoggle = ({ newState }) => newState === "open" && this.fill();
    this.querySelector(".language").onclick = ({ target }) => setLanguage(target.lang);
    this.querySelector(".theme").onclick = () => switchTheme();
  }

  update() {
    const { values } = state;
    for (const link of this.querySelectorAll("[data-tab]")) {
      link.href = formatFragment({ ...values, tab: link.dataset.tab });
      link.ariaCurrent = link.dataset.tab === values.tab ? "page" : null;
    }
    const [first, ...rest] = model.files;
    this.querySelector(".file").hidden = values.tab !== "clip";
    const others = rest.length ? ` + ${number(rest.length)}` : "";
    this.querySelector(".name").textContent = first ? first.name + others : "";
    const choose = this.querySelector(".menu");
    choose.hidden = model.list.length < 2;
    choose.textContent = values.clip || t("clip.nameless");
    this.search.placeholder = this.search.ariaLabel = t("clip.search", { count: number(model.list.length) });
    const other = language() === "en" ? { lang: "ko", textContent: "한국어" } : { lang: "en", textContent: "English" };
    Object.assign(this.querySelector(".language"), other);
  }

  /** Show the clips that match the search; there may be 30,000. */
  fill() {
    const wanted = this.search.value.toLowerCase();
    const isFound = ({ frame_dir, label }) => frame_dir.toLowerCase().includes(wanted) || String(label) === wanted;
    const found = model.list.filter(isFound);
    const items = found.slice(0, MOST_LISTED).map(({ frame_dir: clip, label, frames }) => {
      const facts = joined(label !== null && `${t("clip.label")} ${label}`, frames && count("clip.frames", frames));
      const onclick = () => {
        this.list.hidePopover();
        state.set({ clip, frame: 0 });
      };
      return h("button.plain", { "aria-current": clip === state.values.clip && "true", onclick },
        h("span", clip), h("span.quiet", facts));
    });
    if (found.length > MOST_LISTED) items.push(t("clip.more", { count: number(found.length - MOST_LISTED) }));
    if (!found.length) items.push(t("clip.none"));
    this.list.querySelector("ul").replaceChildren(...items.map((item) => h("li.quiet", item)));
  }
}

/** Switch between light and dark, and keep the choice for the next visit. */
function switchTheme(theme) {
  const { style } = document.documentElement;
  const ofSystem = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  style.colorScheme = theme ?? ((style.colorScheme || ofSystem) === "dark" ? "light" : "dark");
  localStorage.setItem("heatsvc.theme", style.colorScheme);
}

const kept = localStorage.getItem("heatsvc.theme");
if (kept) switchTheme(kept);
customElements.define("page-header", PageHeader);
