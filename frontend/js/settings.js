// What the browser keeps for its reader: small choices in localStorage. The token is held in
// memory, and kept there only if the reader says so.

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
sessionStorage.removeItem(TOKEN); // where earlier versions kept it
let held = localStorage.getItem(TOKEN) ?? "";

/** @returns {string} the token, or "" */
export const token = () => held;

/** @returns {boolean} whether the token outlives this page */
export const isKept = () => held !== "" && localStorage.getItem(TOKEN) === held;

/**
 * @param {string} text the token in place of the present one; another one that a tab keeps stays
 * @param {boolean} kept on this device, until it is forgotten
 */
export function holdToken(text, kept) {
  if (isKept()) localStorage.removeItem(TOKEN);
  held = text;
  if (kept) localStorage.setItem(TOKEN, text);
  changes.dispatchEvent(new Event("token"));
}

export const forgetToken = () => holdToken("", false);

/** @param {() => void} act called when there is another token, or none any more */
export const onToken = (act) => changes.addEventListener("token", act);

/** @param {string | null} text what is kept; it is not written, since another tab may change it */
function follow(text) {
  held = text ?? "";
  changes.dispatchEvent(new Event("token"));
}

// All tabs follow what is kept, by what the event says: what is kept may have changed once more.
addEventListener("storage", ({ key, oldValue, newValue }) => {
  if (key === null) follow(null);
  else if (key === TOKEN && (oldValue ?? "") === held) follow(newValue);
});
// A page that Back brings back has the kept token alone.
addEventListener("pagehide", () => follow(localStorage.getItem(TOKEN)));
