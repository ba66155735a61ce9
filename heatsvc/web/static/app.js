// The page: its tabs, files that are dropped anywhere, and what is kept for the next visit.
import { closeMenus } from "./dom.js";
import { model } from "./model.js";
import { state } from "./state.js";
import { language, languageChanges, setLanguage, t } from "./strings.js";
import { switchTheme } from "./components/page-header.js";
import "./components/key-prompt.js";
import "./components/clip-stage.js";
import "./components/clip-transport.js";
import "./components/clip-status.js";
import "./components/clip-inspector.js";
import "./components/view-menus.js";

const theme = localStorage.getItem("heatsvc.theme");
if (theme) switchTheme(theme);
setLanguage(localStorage.getItem("heatsvc.language") ?? (navigator.language.startsWith("ko") ? "ko" : "en"));

async function showTab() {
  const isClip = state.values.tab === "clip";
  document.querySelector("#clip").hidden = !isClip;
  const dataset = document.querySelector("#dataset");
  dataset.hidden = isClip;
  if (isClip) {
    if (!model.files.length) model.start();
  } else if (!dataset.childElementCount) {
    await import("./components/dataset-builder.js");
    dataset.append(document.createElement("dataset-builder"));
  }
}

const translate = () => document.querySelectorAll("[data-text]").forEach((each) => (each.textContent = t(each.dataset.text)));
languageChanges.addEventListener("change", translate);
translate();

addEventListener("pointerdown", ({ target }) => closeMenus(target));
const help = document.querySelector("#keys");
addEventListener("keydown", (event) => {
  if (event.key === "Escape") closeMenus();
  if (event.key !== "?" || event.target.matches("input:not([type=range], [type=checkbox]), textarea, select")) return;
  if (help.open) help.close();
  else help.showModal();
});

/** The files of a drop, folders opened. */
async function droppedFiles(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  const files = [];
  const take = async (entry) => {
    if (entry.name.startsWith(".")) return;
    if (entry.isFile) {
      const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
      return files.push(Object.assign(file, { path: entry.fullPath.slice(1) }));
    }
    const reader = entry.createReader();
    for (let some; (some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject))).length; )
      for (const each of some) await take(each);
  };
  for (const entry of entries) await take(entry);
  return files.length ? files : [...transfer.files];
}

// Files never replace the page, wherever they are dropped; the dataset part has places of its own for them.
addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.toggle("dropping", state.values.tab === "clip" && event.dataTransfer.types.includes("Files"));
});
addEventListener("dragleave", (event) => event.relatedTarget ?? document.body.classList.remove("dropping"));
addEventListener("drop", async (event) => {
  event.preventDefault();
  document.body.classList.remove("dropping");
  const files = state.values.tab === "clip" ? await droppedFiles(event.dataTransfer) : [];
  if (files.length) model.open(files);
});
state.addEventListener("change", ({ detail }) => detail.includes("tab") && showTab());
document.documentElement.lang = language();
showTab();
