// Requests to the service that serves this page.
import { t } from "./strings.js";

const KEY = "heatsvc.key";
/** Dispatches `needed` when a request lacks an API key, and `given` when the user has entered one. */
export const apiKey = new EventTarget();

/** The API key that is kept for this tab; null if there is none. */
export const storedKey = () => sessionStorage.getItem(KEY);

/** The header that sends the API key; none without a key. */
export const authorization = () => (storedKey() ? { Authorization: `Bearer ${storedKey()}` } : {});

/** Keep an API key for this tab. */
export function setApiKey(key) {
  sessionStorage.setItem(KEY, key.trim());
  apiKey.dispatchEvent(new Event("given"));
}

/** Why a request failed: a problem document (RFC 9457), also for a service that cannot be reached. */
export class Problem extends Error {
  constructor({ title, detail, ...members }) {
    super(detail ?? title);
    Object.assign(this, { title, detail, status: 0, ...members });
  }
}

/** Send a request with `fetch`. The path is relative to the page. Throws a Problem unless the response is a success. */
export async function request(path, init = {}) {
  const headers = { ...init.headers, ...authorization() };
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

/** The Problem of a response. If the API key is missing, dispatches `needed`. */
export function problemOf(status, members) {
  if (status === 401) apiKey.dispatchEvent(new Event("needed"));
  return new Problem({ title: `HTTP ${status}`, ...members, status });
}

/** The JSON of a response. */
export const requestJson = async (path, init) => (await request(path, init)).json();
