// The API's requests about mutes, and what a link of a message says.

/** @typedef {import("./api.js").Api} Api @typedef {import("./types.js").Mute} Mute */

const MAC_BYTES = 16;

/** @param {Api} api @returns {Promise<Mute[]>} */
export const listMutes = async (api) => (await api.request("/mutes")).mutes;

/**
 * @param {Api} api
 * @param {{symbol?: string, rule_id?: string, until: string, open_of?: string}} mute
 * @returns {Promise<Mute>}
 */
export const createMute = (api, mute) => api.write("POST", "/mutes", mute);

/** @param {Api} api @param {string} id */
export const removeMute = (api, id) => api.write("DELETE", `/mutes/${encodeURIComponent(id)}`);

/**
 * Mute what a signed link names. No token is sent.
 * @param {Api} api @param {string} link
 * @returns {Promise<Mute>}
 */
export function followLink(api, link) {
  const headers = { "Content-Type": "application/json" };
  const body = JSON.stringify({ link });
  return api.request("/mutes/signed", {}, { method: "POST", headers, body });
}

/**
 * @param {string} url
 * @returns {string} the signed text of a link that mutes; "" for any other address
 */
export const linkIn = (url) => new URLSearchParams(new URL(url).hash.slice(1)).get("mute") ?? "";

/**
 * Read what a link mutes, without verifying it, which only the API can.
 * @param {string} link
 * @returns {{symbol: string | null, rule_id: string | null, until: number} | null} until:
 *   milliseconds; null if it is damaged
 */
export function readLink(link) {
  try {
    const raw = atob(link.replaceAll("-", "+").replaceAll("_", "/"));
    const [symbol, rule_id, seconds] = JSON.parse(raw.slice(MAC_BYTES));
    const named = [symbol, rule_id].filter((name) => typeof name === "string");
    if (named.length !== 1 || !Number.isSafeInteger(seconds)) return null;
    return { symbol, rule_id, until: seconds * 1000 };
  } catch {
    return null; // not Base64, or not JSON
  }
}
