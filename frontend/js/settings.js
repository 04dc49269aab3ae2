// What the browser keeps for its reader: small choices in localStorage, the token for writing in this tab only.

const PREFIX = "ticktape.";

/** @param {string} key @param {any} fallback @returns {any} */
export function recall(key, fallback) {
  const text = localStorage.getItem(PREFIX + key);
  if (text === null) return fallback;
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return key === "theme" ? text : fallback;
    throw error;
  }
}

/** @param {string} key @param {any} value a theme is kept as plain text, since early.js reads it */
export const keep = (key, value) => localStorage.setItem(PREFIX + key, typeof value === "string" ? value : JSON.stringify(value));

/** @returns {string} the token, or "" */
export const token = () => sessionStorage.getItem(PREFIX + "token") ?? "";

/** @param {string} text "" to forget it */
export const keepToken = (text) => (text ? sessionStorage.setItem(PREFIX + "token", text) : sessionStorage.removeItem(PREFIX + "token"));
