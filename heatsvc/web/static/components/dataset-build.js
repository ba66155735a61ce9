// A build over HTTP: the upload with its progress, and the state of the build until it has ended.
import { Problem, problemOf, request, requestJson, storedKey } from "../api.js";
import { saveAs } from "../dom.js";
import { t } from "../strings.js";

const POLL_MILLISECONDS = 400;

/** POST a form; the document of the build that it begins. `onprogress` gets bytes sent and bytes in all, which only
 * XMLHttpRequest reports. */
export function upload(path, form, onprogress, signal) {
  return new Promise((resolve, reject) => {
    const xhr = Object.assign(new XMLHttpRequest(), { responseType: "json" });
    xhr.open("POST", new URL(path, document.baseURI));
    xhr.setRequestHeader("Prefer", "respond-async");
    xhr.setRequestHeader("Accept", "application/json");
    if (storedKey()) xhr.setRequestHeader("Authorization", `Bearer ${storedKey()}`);
    xhr.upload.onprogress = ({ loaded, total }) => onprogress(loaded, total);
    xhr.onload = () => (xhr.status < 300 ? resolve(xhr.response) : reject(problemOf(xhr.status, xhr.response)));
    xhr.onerror = () => reject(new Problem({ title: t("dataset.broken") }));
    xhr.onabort = () => reject(signal.reason);
    signal.addEventListener("abort", () => xhr.abort());
    xhr.send(form);
  });
}

export const isRunning = (build) => ["queued", "running"].includes(build?.state);

/** Call `onbuild` with a build's document until it has ended. */
export async function watch(id, onbuild, signal) {
  for (let build; !build || isRunning(build); ) {
    if (build) await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
    build = await requestJson(`annotation/${id}`, { signal });
    onbuild(build);
  }
}

export const fileUrl = (id, name) => `annotation/${id}/files/${name}`;

/** Where a key is needed a link cannot send it: the file is fetched, and saved from memory. */
export async function save(event, href, name) {
  if (!storedKey()) return;
  event.preventDefault();
  saveAs(await (await request(href)).blob(), name);
}
