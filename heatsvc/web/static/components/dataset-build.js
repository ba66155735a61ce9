// A build over HTTP: the upload with its progress, and the state of the build until it has ended.
import { Problem, apiKey, request, requestJson, storedKey } from "../api.js";
import { t } from "../strings.js";

const POLL_MILLISECONDS = 400;

/** POST a form; the document of the build that it begins. `onprogress` gets bytes sent and bytes in all, which only
 * XMLHttpRequest reports. */
export function upload(path, form, onprogress, signal) {
  return new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest();
    xhr.open("POST", new URL(path, document.baseURI));
    xhr.setRequestHeader("Prefer", "respond-async");
    xhr.setRequestHeader("Accept", "application/json");
    if (storedKey()) xhr.setRequestHeader("Authorization", `Bearer ${storedKey()}`);
    xhr.responseType = "json";
    xhr.upload.onprogress = ({ loaded, total }) => onprogress(loaded, total);
    xhr.onload = () => {
      const { status, response } = xhr;
      if (status === 401) apiKey.dispatchEvent(new Event("needed"));
      if (status < 300) resolve(response);
      else reject(new Problem({ title: `HTTP ${status}`, ...response, status }));
    };
    xhr.onerror = () => reject(new Problem({ title: t("dataset.broken"), detail: t("dataset.broken") }));
    xhr.onabort = () => reject(new DOMException("", "AbortError"));
    signal.addEventListener("abort", () => xhr.abort());
    xhr.send(form);
  });
}

/** Call `onbuild` with a build's document until it has ended. */
export async function watch(id, onbuild, signal) {
  for (;;) {
    const build = await requestJson(`annotation/${id}`, { signal });
    onbuild(build);
    if (!["queued", "running"].includes(build.state)) return;
    await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
    signal.throwIfAborted();
  }
}

export const fileUrl = (id, name) => `annotation/${id}/files/${name}`;
export const reportOf = (id) => requestJson(fileUrl(id, "report.json"));
export const remove = (id) => request(`annotation/${id}`, { method: "DELETE" });

/** Where a key is needed a link cannot send it: the file is fetched, and saved from memory. */
export async function save(event, href, name) {
  if (!storedKey()) return;
  event.preventDefault();
  const url = URL.createObjectURL(await (await request(href)).blob());
  Object.assign(document.createElement("a"), { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
