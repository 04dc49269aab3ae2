// The page's configuration: the API's address and the settings shared with it.

import { USUAL_AVERAGES } from "./data/indicator_table.js";

/**
 * @typedef {object} Config
 * @property {string} api address of the API, without a trailing slash
 * @property {string} stage
 * @property {string} push address of the WebSocket that pushes prices, or ""
 * @property {number} poll_seconds time between two polls of the quotes
 * @property {import("./types.js").Averages} averages
 */

/**
 * Take an answer that early.js requested before the modules loaded. Each can be taken once.
 * @param {string} url @returns {Promise<Response> | undefined}
 */
export function takeEarly(url) {
  const early = /** @type {Map<string, Promise<Response>>} */ (/** @type {any} */ (window).early);
  const answer = early?.get(url);
  early?.delete(url);
  return answer;
}

/** @returns {Promise<Config>} from /config.json; throws an Error with a sentence for the reader */
export async function loadConfig() {
  const response = await (takeEarly("config.json") ?? fetch("config.json", { cache: "no-cache" }));
  if (!response.ok)
    throw new Error(`The page's config.json cannot be read (HTTP ${response.status}).`);
  const { api, stage = "", push = "", poll_seconds = 2, averages = [] } = await response.json();
  if (typeof api !== "string") throw new Error('config.json has no "api" address.');
  return {
    api: api.replace(/\/+$/, ""),
    stage,
    push,
    poll_seconds: Math.max(0.1, Number(poll_seconds) || 2),
    averages: {
      fast: Number(averages[0]) || USUAL_AVERAGES.fast,
      slow: Number(averages[1]) || USUAL_AVERAGES.slow,
    },
  };
}

/**
 * Restrict the page to requests to its own API. index.html cannot know the address, and a policy
 * that is added later can only restrict.
 * @param {string} api @param {string} push
 */
export function allowOnly(api, push) {
  const address = new URL(api, location.href).origin;
  const policy = document.createElement("meta");
  policy.httpEquiv = "Content-Security-Policy";
  policy.content = `connect-src 'self' ${address} ${push && new URL(push).origin}`;
  document.head.append(policy);
}
