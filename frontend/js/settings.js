// The reader's settings in localStorage. The token is held in memory, and stored only at the
// reader's request.

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
export const keep = (key, value) =>
  localStorage.setItem(PREFIX + key, typeof value === "string" ? value : JSON.stringify(value));

const TOKEN = `${PREFIX}token`;
const changes = new EventTarget();
sessionStorage.removeItem(TOKEN); // earlier versions stored the token here
let held = localStorage.getItem(TOKEN) ?? "";

/** @returns {string} the token, or "" */
export const token = () => held;

/** @returns {boolean} whether the token outlives this page */
export const isKept = () => held !== "" && localStorage.getItem(TOKEN) === held;

/**
 * @param {string} text the new token; another token that another tab has stored stays
 * @param {boolean} kept whether to store it on this device until the reader forgets it
 */
export function holdToken(text, kept) {
  if (isKept()) localStorage.removeItem(TOKEN);
  held = text;
  if (kept) localStorage.setItem(TOKEN, text);
  changes.dispatchEvent(new Event("token"));
}

export const forgetToken = () => holdToken("", false);

/** @param {() => void} act called when the token changes or is removed */
export const onToken = (act) => changes.addEventListener("token", act);

/** @param {string | null} text the stored token; not written, since another tab may change it */
function follow(text) {
  held = text ?? "";
  changes.dispatchEvent(new Event("token"));
}

// Tabs take the stored token from the event, since the stored one may have changed again.
addEventListener("storage", ({ key, oldValue, newValue }) => {
  if (key === null) follow(null);
  else if (key === TOKEN && (oldValue ?? "") === held) follow(newValue);
});
// Back may restore a page that the reader has left, so it keeps only the stored token.
addEventListener("pagehide", () => follow(localStorage.getItem(TOKEN)));
