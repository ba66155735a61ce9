// Requests to the service that serves this page.
import { t } from "./strings.js";

const KEY = "heatsvc.key";
/** Dispatches `needed` where a request lacks an API key, and `given` once there is one. */
export const apiKey = new EventTarget();

/** The API key that is kept for this tab, null without one. */
export const storedKey = () => sessionStorage.getItem(KEY);

/** Keep an API key for this tab. */
export function setApiKey(key) {
  sessionStorage.setItem(KEY, key.trim());
  apiKey.dispatchEvent(new Event("given"));
}

/** Why a request failed: the service's problem document (RFC 9457), or that it could not be reached. */
export class Problem extends Error {
  constructor({ title, detail, ...members }) {
    super(detail ?? title);
    Object.assign(this, { title, detail, status: 0, ...members });
  }
}

/** The response to a request, `fetch`'s. Paths are relative to the page's, wherever that is mounted.
 * Throws a Problem for whatever is no success. */
export async function request(path, init = {}) {
  const headers = new Headers(init.headers);
  if (storedKey()) headers.set("Authorization", `Bearer ${storedKey()}`);
  let response;
  try {
    response = await fetch(new URL(path, document.baseURI), { ...init, headers });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem({ title: t("problem.unreachable"), detail: t("problem.unreachable.detail") });
  }
  if (!response.ok) throw problemOf(response.status, await response.json().catch(() => null));
  return response;
}

/** The Problem of a response's status and JSON; without an API key one is asked for. */
export function problemOf(status, members) {
  if (status === 401) apiKey.dispatchEvent(new Event("needed"));
  return new Problem({ title: `HTTP ${status}`, ...members, status });
}

/** The JSON of a response. */
export const requestJson = async (path, init) => (await request(path, init)).json();
