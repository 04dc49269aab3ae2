// The indicators that the reader switched on, computed for the drawn bars with the lead as warm-up.

import { isDated } from "../ranges.js";
import { formatDate } from "../format.js";
import { ema, vwap, macd, sma, rsi, bollinger, crosses } from "./indicators.js";

/** @typedef {import("./indicators.js").Values} Values */

/**
 * Keys of the view's `indicators`, with what the tool bar calls them; `pane` marks those that need
 * one of their own.
 */
export const STUDIES = {
  volume: { label: "Volume", pane: false },
  sma: { label: "SMA 5 · 20", pane: false },
  crosses: { label: "Crosses", pane: false },
  anomalies: { label: "Anomalies", pane: false },
  ema: { label: "EMA 20", pane: false },
  bollinger: { label: "Bollinger 20, 2", pane: false },
  vwap: { label: "VWAP", pane: false },
  rsi: { label: "RSI 14", pane: true },
  macd: { label: "MACD 12, 26, 9", pane: true },
};

/**
 * @typedef {object} Studies
 * @property {Record<string, Values>} lines named as in the CSV and in the API: sma_5, ema_20,
 *   bbands_upper …
 * @property {{index: number, kind: "golden_cross" | "death_cross"}[]} crosses indices into the
 *   drawn bars
 */

/** @param {import("../types.js").Series} series @param {string[]} wanted @returns {Studies} */
export function computeStudies(series, wanted) {
  const all = [...series.lead, ...series.bars];
  const closes = all.map((bar) => bar.close);
  const skip = series.lead.length;
  const on = new Set(wanted);
  /** @type {Record<string, Values>} */
  const lines = {};
  const fast = sma(closes, 5);
  const slow = sma(closes, 20);
  if (on.has("sma")) Object.assign(lines, { sma_5: fast, sma_20: slow });
  if (on.has("ema")) lines.ema_20 = ema(closes, 20);
  if (on.has("bollinger")) {
    const bands = bollinger(closes, 20, 2);
    Object.assign(lines, {
      bbands_upper: bands.upper,
      bbands_middle: bands.middle,
      bbands_lower: bands.lower,
    });
  }
  if (on.has("vwap") && !isDated(series.interval))
    lines.vwap = vwap(all, (time) => formatDate(time, series.zone), !series.lead.length);
  if (on.has("rsi")) lines.rsi_14 = rsi(closes, 14);
  if (on.has("macd")) {
    const { macd: line, signal, histogram } = macd(closes, 12, 26, 9);
    Object.assign(lines, { macd: line, macd_signal: signal, macd_histogram: histogram });
  }
  const drawn = Object.fromEntries(
    Object.entries(lines).map(([name, values]) => [name, values.slice(skip)]),
  );
  const found = crosses(fast, slow).filter(({ index }) => index >= skip);
  return { lines: drawn, crosses: found.map(({ index, kind }) => ({ index: index - skip, kind })) };
}
