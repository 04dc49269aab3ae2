// Dark and light theme: by the system's preference or the switch. Colours are in css/tokens.css;
// the chart reads them here.

/** @param {any} kept what the browser has stored, of any type @returns {Theme} "auto" if invalid */
export const knownTheme = (kept) => (kept === "dark" || kept === "light" ? kept : "auto");

/** @typedef {"auto" | "dark" | "light"} Theme */

/** Names of the chart's colour tokens, by role. */
const ROLES = {
  accent: "accent",
  accentFill: "accent-fill",
  up: "up",
  down: "down",
  upMuted: "up-muted",
  downMuted: "down-muted",
  warn: "warn",
  fast: "fast",
  slow: "slow",
  ema: "ema",
  vwap: "vwap",
  band: "band",
  grid: "grid",
  muted: "muted",
  text: "text",
  surface: "surface",
};

/**
 * Read the chart's colours from a probe element, since a token may be a pair of colours.
 * @returns {Record<string, string>} by role
 */
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

/** @param {() => void} act called when the system's preference changes */
export function onPreference(act) {
  matchMedia("(prefers-color-scheme: light)").addEventListener("change", act);
}
