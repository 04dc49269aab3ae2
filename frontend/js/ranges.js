// The ranges and bar sizes of the tool bar, and the API's parameters for them.

/** The most bars drawn; more make a candle chart slow (docs/dashboard.md has the figures). */
export const MAX_BARS = 500;
/** Bars fetched before the first drawn one, so that EMA, RSI and MACD have converged there. */
export const LEAD_BARS = 120;

/** @type {Record<string, {period: string, label: string}>} */
export const RANGES = {
  "1D": { period: "1d", label: "1 day" },
  "5D": { period: "5d", label: "5 days" },
  "1M": { period: "1mo", label: "1 month" },
  "3M": { period: "3mo", label: "3 months" },
  "6M": { period: "6mo", label: "6 months" },
  "1Y": { period: "1y", label: "1 year" },
  "5Y": { period: "5y", label: "5 years" },
  Max: { period: "max", label: "all stored data" },
};

export const INTERVALS = ["1m", "5m", "15m", "30m", "1h", "1d", "1wk", "1mo"];

/** @type {Record<string, number>} a bar's length in milliseconds; for 1mo the shortest */
const LENGTH = {
  "1m": 60e3,
  "5m": 300e3,
  "15m": 900e3,
  "30m": 1800e3,
  "1h": 3600e3,
  "1d": 86400e3,
  "1wk": 604800e3,
  "1mo": 2419200e3,
};

/** @param {string} interval @returns {number} milliseconds */
export const lengthOf = (interval) => LENGTH[interval] ?? 60e3;

/**
 * @param {string} interval
 * @returns {boolean} true for bars labelled by a date, not by an instant
 */
export const isDated = (interval) => lengthOf(interval) >= LENGTH["1d"];

/**
 * The range parameters of /prices and /indicators for a view.
 * @param {import("./types.js").View} view
 * @returns {Record<string, string>} start and end (half-open; the end's own day is included), or
 *   period
 */
export function rangeParameters(view) {
  if (view.range !== "custom") return { period: (RANGES[view.range] ?? RANGES["1D"]).period };
  const dayAfter = new Date(Date.parse(view.end) + 86400e3).toISOString().slice(0, 10);
  return { start: view.start, end: dayAfter };
}
