// The page: tabs, texts, controls that are bound to the state, dropped files, the API key.
import { apiKey, setApiKey } from "./api.js";
import { isTextInput, translate } from "./dom.js";
import { droppedFiles } from "./files.js";
import { model } from "./model.js";
import { DEFAULTS, state } from "./state.js";
import { languageChanges, setLanguage } from "./strings.js";
import "./components/page-header.js";
import "./components/clip-stage.js";
import "./components/clip-transport.js";
import "./components/clip-status.js";
import "./components/clip-inspector.js";
import "./components/channel-list.js";
import "./components/view-menus.js";

languageChanges.addEventListener("change", () => translate(document));
setLanguage(localStorage.getItem("heatsvc.language") ?? (navigator.language.startsWith("ko") ? "ko" : "en"));

// Tabs

async function showTab() {
  const isClip = state.values.tab === "clip";
  document.querySelector("#clip").hidden = !isClip;
  document.querySelector("#dataset").hidden = isClip;
  if (!isClip) await import("./components/dataset-builder.js");
  else if (!model.files.length) await model.start();
}

// Controls with data-bind show a value of the state, and change it

function showBound(names) {
  for (const control of document.querySelectorAll(names.map((name) => `[data-bind="${name}"]`).join())) {
    const value = String(state.values[control.dataset.bind]);
    if (control.type === "radio") control.checked = control.value === value;
    else control.value = value;
  }
}
addEventListener("change", ({ target: { dataset: { bind }, value, validity } }) => {
  if (bind && validity.valid) state.set({ [bind]: typeof DEFAULTS[bind] === "number" ? Number(value) : value });
});
state.addEventListener("change", ({ detail }) => {
  showBound(detail);
  if (detail.includes("tab")) showTab();
});
showBound(Object.keys(DEFAULTS));

// Help for the keyboard

const help = document.querySelector("#keys");
addEventListener("keydown", ({ key, target }) => {
  if (key !== "?" || isTextInput(target)) return;
  if (help.open) help.close();
  else help.showModal();
});

// The form for an API key, shown if the service needs one

const keyForm = document.querySelector("#key");
apiKey.addEventListener("needed", () => (keyForm.hidden = false));
apiKey.addEventListener("given", () => (keyForm.hidden = true));
keyForm.addEventListener("submit", (event) => {
  event.preventDefault();
  setApiKey(keyForm.elements.key.value);
});

// A dropped file never replaces the page. The tab Dataset has elements of its own for files.

addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.toggle("dropping", state.values.tab === "clip" && event.dataTransfer.types.includes("Files"));
});
addEventListener("dragleave", ({ relatedTarget }) => relatedTarget ?? document.body.classList.remove("dropping"));
addEventListener("drop", async (event) => {
  event.preventDefault();
  document.body.classList.remove("dropping");
  if (state.values.tab === "clip") model.open(await droppedFiles(event.dataTransfer));
});
showTab();
