// Requests for a build: upload, state, files.
import { authorization, Problem, problemOf, request, requestJson, storedKey } from "../api.js";
import { saveAs } from "../dom.js";
import { t } from "../strings.js";

const POLL_MILLISECONDS = 400;

/** POST a form, and return the document of its build. `onprogress` gets the bytes sent and their total, which `fetch`
 * does not report. */
export function upload(path, form, onprogress, signal) {
  return new Promise((resolve, reject) => {
    const xhr = Object.assign(new XMLHttpRequest(), { responseType: "json" });
    xhr.open("POST", new URL(path, document.baseURI));
    const headers = { Prefer: "respond-async", Accept: "application/json", ...authorization() };
    for (const [name, value] of Object.entries(headers)) xhr.setRequestHeader(name, value);
    xhr.upload.onprogress = ({ loaded, total }) => onprogress(loaded, total);
    xhr.onload = () => (xhr.status < 300 ? resolve(xhr.response) : reject(problemOf(xhr.status, xhr.response)));
    xhr.onerror = () => reject(new Problem({ title: t("dataset.broken") }));
    xhr.onabort = () => reject(signal.reason);
    signal.addEventListener("abort", () => xhr.abort());
    xhr.send(form);
  });
}

export const isRunning = (build) => ["queued", "running"].includes(build?.state);

/** Poll a build until it has ended, and call `onbuild` with each document. */
export async function watch(id, onbuild, signal) {
  for (let build; !build || isRunning(build); ) {
    if (build) await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
    build = await requestJson(`annotation/${id}`, { signal });
    onbuild(build);
  }
}

export const fileUrl = (id, name) => `annotation/${id}/files/${name}`;

/** Handle a click on a link to a file. A link cannot send an API key, so with a key the file is fetched. */
export async function save(event, href, name) {
  if (!storedKey()) return;
  event.preventDefault();
  saveAs(await (await request(href)).blob(), name);
}
