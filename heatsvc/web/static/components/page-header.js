// The header: which page, which file and clip, language, theme, documentation.
import { closeMenus, Component, h } from "../dom.js";
import { model } from "../model.js";
import { state } from "../state.js";
import { language, number, setLanguage, t } from "../strings.js";

const MOST_LISTED = 200;

class PageHeader extends Component {
  static events = ["list", "volume"].map((name) => [model, name]);

  connectedCallback() {
    super.connectedCallback();
    state.addEventListener("change", ({ detail }) => (detail.includes("tab") || detail.includes("clip")) && this.update(), { signal: this.stop.signal });
  }

  render() {
    const { tab } = state.values;
    const tabs = ["clip", "dataset"].map((name) => h("a", { href: `#/${name}`, "aria-current": tab === name && "page", onclick: (event) => (event.preventDefault(), state.set({ tab: name })) }, t(`tab.${name}`)));
    const other = language() === "en" ? "ko" : "en";
    return [
      h("h1", {}, "heatsvc"),
      h("nav", { "aria-label": t("tab.label") }, tabs),
      tab === "clip" && h("div", { class: "file" }, this.choose(), h("span", { class: "name" }, this.fileName()), this.clips()),
      h("div", { class: "right" },
        h("button", { class: "plain", "data-field": "language", lang: other, onclick: () => setLanguage(other) }, other === "ko" ? "한국어" : "English"),
        h("button", { class: "plain", "data-field": "theme", onclick: () => switchTheme(), "aria-label": t("theme.switch"), title: t("theme.switch") }, "◐"),
        h("a", { href: "docs" }, t("header.docs"))),
    ];
  }

  choose() {
    const input = h("input", { type: "file", multiple: true, hidden: true, onchange: () => input.files.length && model.open([...input.files]) });
    return [h("button", { "data-field": "open", onclick: () => input.click() }, t("header.open")), input];
  }

  fileName() {
    const [first, ...rest] = model.files;
    return first ? `${first.name}${rest.length ? ` + ${number(rest.length)}` : ""}` : "";
  }

  /** The clips of the files, searchable: there may be 30,000. */
  clips() {
    const { list } = model;
    if (list.length < 2) return null;
    const found = h("ul", {});
    const search = h("input", { type: "search", placeholder: t("clip.search", { count: number(list.length) }), "aria-label": t("clip.search", { count: number(list.length) }) });
    const fill = () => {
      const wanted = search.value.toLowerCase();
      const matching = list.filter((clip) => !wanted || clip.frame_dir.toLowerCase().includes(wanted) || String(clip.label) === wanted);
      const items = matching.slice(0, MOST_LISTED).map((clip) =>
        h("li", {}, h("button", { class: "plain", "aria-current": clip.frame_dir === state.values.clip && "true", onclick: () => (closeMenus(), state.set({ clip: clip.frame_dir, frame: 0 })) },
          h("span", {}, clip.frame_dir), h("span", { class: "quiet" }, [clip.label !== null && clip.label !== undefined && `${t("clip.label")} ${clip.label}`, clip.frames && t("clip.frames", { count: number(clip.frames) })].filter(Boolean).join(" · ")))));
      if (matching.length > MOST_LISTED) items.push(h("li", { class: "quiet" }, t("clip.more", { count: number(matching.length - MOST_LISTED) })));
      if (!matching.length) items.push(h("li", { class: "quiet" }, t("clip.none")));
      found.replaceChildren(...items);
    };
    search.oninput = fill;
    const ontoggle = ({ target }) => target.open && (fill(), search.focus());
    return h("details", { class: "menu clips", ontoggle }, h("summary", { "data-field": "clips" }, state.values.clip || t("clip.nameless")), h("div", { class: "sheet" }, search, found));
  }
}

/** Light where it is dark, and the other way round; kept for the next visit. */
export function switchTheme(theme) {
  const isDark = (document.documentElement.style.colorScheme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const next = theme ?? (isDark ? "light" : "dark");
  document.documentElement.style.colorScheme = next;
  localStorage.setItem("heatsvc.theme", next);
}

customElements.define("page-header", PageHeader);
