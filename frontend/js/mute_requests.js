// The API's requests about mutes, and the content of a mute link.

/** @typedef {import("./api.js").Api} Api @typedef {import("./types.js").Mute} Mute */

import { SYMBOL } from "./url.js";

const MAC_BYTES = 16;
const LONGEST = 31 * 24 * 3600; // seconds of the longest mute that the API makes
const RULE_ID = /^[A-Za-z0-9_-]{1,64}$/;

/** @param {any} name @param {RegExp} pattern */
const isName = (name, pattern) => typeof name === "string" && pattern.test(name);

/**
 * @param {Api} api
 * @returns {Promise<{mutes: Mute[], unreadable: string[]}>} unreadable: ids of mutes that the API
 *   cannot read
 */
export const listMutes = (api) => api.request("/mutes");

/**
 * @param {Api} api
 * @param {{symbol?: string, rule_id?: string, until?: string, open_of?: string, recurring?:
 *   import("./types.js").QuietHours}} mute with either `until` or `recurring`
 * @returns {Promise<Mute>}
 */
export const createMute = (api, mute) => api.write("POST", "/mutes", mute);

/** @param {Api} api @param {string} id */
export const removeMute = (api, id) => api.write("DELETE", `/mutes/${encodeURIComponent(id)}`);

/**
 * Mute what a signed link in a message names. No token is sent.
 * @param {Api} api @param {string} link
 * @returns {Promise<Mute>}
 */
export function followLink(api, link) {
  const headers = { "Content-Type": "application/json" };
  const body = JSON.stringify({ link });
  return api.request("/mutes/signed", {}, { method: "POST", headers, body });
}

/**
 * Read what a link mutes, without verifying it: only the API can. Only a symbol or a rule's id is
 * returned, so that a forged link cannot show a text of its own.
 * @param {string} link @param {number} now milliseconds
 * @returns {{symbol: string | null, rule_id: string | null, until: number} | null} until:
 *   milliseconds; null for a damaged link
 */
export function readLink(link, now) {
  try {
    const raw = atob(link.replaceAll("-", "+").replaceAll("_", "/"));
    const [symbol, rule_id, seconds] = JSON.parse(raw.slice(MAC_BYTES));
    const named = symbol === null ? isName(rule_id, RULE_ID) : isName(symbol, SYMBOL);
    if (!named || (symbol !== null && rule_id !== null)) return null;
    if (!Number.isSafeInteger(seconds) || seconds < 0 || seconds > now / 1000 + LONGEST)
      return null;
    return { symbol, rule_id, until: seconds * 1000 };
  } catch {
    return null; // not Base64, or not JSON
  }
}
