// What the browser keeps for its reader: small choices in localStorage. The token is held in memory, and kept there only
// if the reader says so.

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

const TOKEN = `${PREFIX}token`;
const changes = new EventTarget();
sessionStorage.removeItem(TOKEN); // where earlier versions kept it
let held = localStorage.getItem(TOKEN) ?? "";

/** @returns {string} the token, or "" */
export const token = () => held;

/** @returns {boolean} whether the token outlives this page */
export const isKept = () => localStorage.getItem(TOKEN) !== null;

/** @param {string} text @param {boolean} kept on this device, until it is forgotten */
export function holdToken(text, kept) {
  held = text;
  if (kept) localStorage.setItem(TOKEN, text);
  else localStorage.removeItem(TOKEN);
  changes.dispatchEvent(new Event("token"));
}

export const forgetToken = () => holdToken("", false);

/** @param {() => void} act called when there is another token, or none any more */
export const onToken = (act) => changes.addEventListener("token", act);

const recallToken = () => holdToken(localStorage.getItem(TOKEN) ?? "", isKept());

// All tabs follow what is kept. A page that Back brings back has the kept token alone.
addEventListener("storage", ({ key, oldValue }) => {
  if (!key || oldValue === held) recallToken();
});
addEventListener("pagehide", recallToken);

// The page's only setting from outside: where its API is.

/**
 * @typedef {object} Config
 * @property {string} api address of the API, without a slash at its end
 * @property {string} stage
 * @property {number} poll_seconds time between two polls of the quotes
 */

/**
 * An answer that early.js asked for before the modules came.
 * @param {string} url @returns {Promise<Response> | undefined} once for each address
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
  if (!response.ok) throw new Error(`The page's config.json cannot be read (HTTP ${response.status}).`);
  const { api, stage = "", poll_seconds = 2 } = await response.json();
  if (typeof api !== "string") throw new Error('config.json names no "api" address.');
  return { api: api.replace(/\/+$/, ""), stage, poll_seconds: Math.max(0.1, Number(poll_seconds) || 2) };
}

/**
 * Narrow the page's policy to the one API that it talks to: index.html cannot know the address, and policies only
 * ever add up.
 * @param {string} api
 */
export function allowOnly(api) {
  const policy = document.createElement("meta");
  policy.httpEquiv = "Content-Security-Policy";
  policy.content = `connect-src 'self' ${new URL(api, location.href).origin}`;
  document.head.append(policy);
}

// Dark and light: by the system's preference, or as switched. Colours live in css/tokens.css; the chart reads them here.

/** Names of the tokens that the chart draws with, by role. */
const ROLES = {
  accent: "accent", accentFill: "accent-fill", up: "up", down: "down", upMuted: "up-muted", downMuted: "down-muted", warn: "warn",
  fast: "fast", slow: "slow", ema: "ema", vwap: "vwap", band: "band", grid: "grid", muted: "muted", text: "text", surface: "surface",
};

/** Resolved by the browser on a probe, since a token may be a pair of colours. @returns {Record<string, string>} by role */
export function chartColors() {
  const probe = document.createElement("span");
  document.body.append(probe);
  const entries = Object.entries(ROLES).map(([role, token]) => {
    probe.style.color = `var(--${token})`;
    return [role, getComputedStyle(probe).color];
  });
  probe.remove();
  return Object.fromEntries(entries);
}

/** @param {"auto" | "dark" | "light"} theme */
export function applyTheme(theme) {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

/** @param {() => void} act called when the system's preference turns */
export function onPreference(act) {
  matchMedia("(prefers-color-scheme: light)").addEventListener("change", act);
}
