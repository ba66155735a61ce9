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
  constructor({ title, detail, field, file, frame, status = 0 }) {
    super(detail ?? title);
    Object.assign(this, { title, detail, field, file, frame, status });
  }
}

/** The response to a request, `fetch`'s. Paths are relative to the page's, wherever that is mounted.
 * Throws a Problem for whatever is no success. */
export async function request(path, init = {}) {
  const headers = new Headers(init.headers);
  const key = storedKey();
  if (key) headers.set("Authorization", `Bearer ${key}`);
  let response;
  try {
    response = await fetch(new URL(path.replace(/^\//, ""), document.baseURI), { ...init, headers });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem({ title: t("problem.unreachable"), detail: t("problem.unreachable.detail") });
  }
  if (response.ok) return response;
  if (response.status === 401) apiKey.dispatchEvent(new Event("needed"));
  const isProblem = response.headers.get("Content-Type")?.startsWith("application/problem+json");
  const members = isProblem ? await response.json() : { title: `HTTP ${response.status}`, detail: response.statusText };
  throw new Problem({ ...members, status: response.status });
}

/** The JSON of a response. */
export const requestJson = async (path, init) => (await request(path, init)).json();
