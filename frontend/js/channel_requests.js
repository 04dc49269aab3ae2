// The API's requests about channels.

/** @typedef {import("./api.js").Api} Api @typedef {import("./types.js").Channel} Channel */

const pathOf = (/** @type {string} */ id) => `/channels/${encodeURIComponent(id)}`;

/** @param {Api} api @returns {Promise<Channel[]>} */
export const listChannels = async (api) => (await allChannels(api)).channels;

/**
 * @param {Api} api
 * @returns {Promise<{channels: Channel[], unreadable?: string[]}>} unreadable: ids of channels that
 *   the API cannot read
 */
export const allChannels = (api) => api.request("/channels");

/**
 * @param {Api} api
 * @param {Partial<Channel> & {address?: string, secret?: string}} channel
 */
export const createChannel = (api, channel) => api.write("POST", "/channels", channel);

/** @param {Api} api @param {string} id @param {Partial<Channel>} channel */
export const replaceChannel = (api, id, channel) => api.write("PUT", pathOf(id), channel);

/** @param {Api} api @returns {Promise<{public_key: string}>} the key that Web Push needs */
export const pushKey = (api) => api.write("POST", "/push-key");

/** @param {Api} api @param {string} id */
export const deleteChannel = (api, id) => api.write("DELETE", pathOf(id));

/** @param {Api} api @param {string} id */
export const testChannel = (api, id) => api.write("POST", `${pathOf(id)}/test`);
