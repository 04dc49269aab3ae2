// The page's indicators, one entry each: the tool bar's label, the computation, and how the chart
// and the readout show its lines. A new indicator is an entry here and a function in indicators.js.

import { formatDate } from "../format.js";
import { isDated } from "../ranges.js";
import { bollinger, crosses, ema, macd, rsi, sma, vwap } from "./indicators.js";

/** @typedef {import("./indicators.js").Values} Values */
/** @typedef {import("../types.js").Averages} Averages */
/** @typedef {import("../types.js").Bar} Bar */
/** @typedef {import("../types.js").Series} Series */

/**
 * @typedef {object} Line
 * @property {string} name as in the CSV and in the API
 * @property {string} label in the readout
 * @property {string} color a role of theme.js
 * @property {"solid" | "dot"} [dash]
 * @property {number} [places] decimals in the readout, if not the price's
 * @property {boolean} [scales] whether the price axis is scaled to include it
 */

/**
 * @typedef {object} Pane
 * @property {[number, number]} [range] of its axis; by default that of its visible values
 * @property {number[]} [tickvals] where its axis is labelled; by default at round values
 * @property {string} [columns] name of the values that are drawn as columns
 */

/**
 * @typedef {object} Indicator
 * @property {string} label
 * @property {Line[]} [lines] the drawn lines, in the order of the readout
 * @property {Pane} [pane] for an indicator in its own pane
 * @property {(closes: number[], bars: Bar[], series: Series) => Record<string, Values>} [compute]
 *   values by name, for lead and drawn bars; empty if the indicator does not apply to these bars
 */

/** @type {Averages} */
export const USUAL_AVERAGES = { fast: 5, slow: 20 };

/**
 * @param {Averages} averages windows of the deployment's crosses
 * @returns {Record<string, Indicator>} in the order of the tool bar
 */
export const indicatorTable = ({ fast, slow }) => ({
  volume: { label: "Volume" },
  sma: {
    label: `SMA ${fast} · ${slow}`,
    lines: [
      { name: `sma_${fast}`, label: `SMA ${fast}`, color: "fast" },
      { name: `sma_${slow}`, label: `SMA ${slow}`, color: "slow" },
    ],
    compute: (closes) => ({
      [`sma_${fast}`]: sma(closes, fast),
      [`sma_${slow}`]: sma(closes, slow),
    }),
  },
  crosses: { label: "Crosses" },
  anomalies: { label: "Anomalies" },
  ema: {
    label: "EMA 20",
    lines: [{ name: "ema_20", label: "EMA 20", color: "ema" }],
    compute: (closes) => ({ ema_20: ema(closes, 20) }),
  },
  bollinger: {
    label: "Bollinger 20, 2",
    lines: [
      { name: "bbands_upper", label: "BB+", color: "band", scales: true },
      { name: "bbands_lower", label: "BB−", color: "band", scales: true },
    ],
    compute: (closes) => {
      const { upper, middle, lower } = bollinger(closes, 20, 2);
      return { bbands_upper: upper, bbands_middle: middle, bbands_lower: lower };
    },
  },
  vwap: {
    label: "VWAP",
    lines: [{ name: "vwap", label: "VWAP", color: "vwap", dash: "dot" }],
    compute: (_, bars, series) => sessionVwap(bars, series),
  },
  rsi: {
    label: "RSI 14",
    lines: [{ name: "rsi_14", label: "RSI", color: "ema", places: 1 }],
    pane: { range: [0, 100], tickvals: [30, 70] },
    compute: (closes) => ({ rsi_14: rsi(closes, 14) }),
  },
  macd: {
    label: "MACD 12, 26, 9",
    lines: [
      { name: "macd", label: "MACD", color: "fast" },
      { name: "macd_signal", label: "Signal", color: "slow" },
    ],
    pane: { columns: "macd_histogram" },
    compute: (closes) => {
      const { macd: line, signal, histogram } = macd(closes, 12, 26, 9);
      return { macd: line, macd_signal: signal, macd_histogram: histogram };
    },
  },
});

/**
 * @param {Bar[]} bars
 * @param {Series} series
 * @returns {Record<string, Values>} empty for daily and longer bars, which are whole sessions
 */
const sessionVwap = (bars, { interval, zone, lead }) =>
  isDated(interval) ? {} : { vwap: vwap(bars, (time) => formatDate(time, zone), !lead.length) };

const USUAL = indicatorTable(USUAL_AVERAGES);

/** @param {string} key @returns {boolean} whether the table has it */
export const isIndicator = (key) => Object.hasOwn(USUAL, key);

/**
 * @param {Averages} averages
 * @param {string[]} wanted keys of the table
 * @returns {Indicator[]} the wanted ones, in the table's order
 */
export const wantedIndicators = (averages, wanted) =>
  Object.entries(indicatorTable(averages))
    .filter(([key]) => wanted.includes(key))
    .map(([, indicator]) => indicator);

/**
 * @typedef {object} Computed
 * @property {Record<string, Values>} lines for the drawn bars, named as in the CSV and in the API:
 *   sma_5, ema_20, bbands_upper …
 * @property {{index: number, kind: "golden_cross" | "death_cross"}[]} crosses indices into the
 *   drawn bars
 */

/**
 * Compute the wanted indicators for the drawn bars, with the lead as warm-up.
 * @param {Series} series @param {string[]} wanted @param {Averages} [averages] @returns {Computed}
 */
export function computeIndicators(series, wanted, averages = USUAL_AVERAGES) {
  const all = [...series.lead, ...series.bars];
  const closes = all.map((bar) => bar.close);
  const skip = series.lead.length;
  const computed = wantedIndicators(averages, wanted).map(
    ({ compute }) => compute?.(closes, all, series) ?? {},
  );
  const lines = Object.entries(Object.assign({}, ...computed)).map(([name, values]) => [
    name,
    values.slice(skip),
  ]);
  const found = crosses(sma(closes, averages.fast), sma(closes, averages.slow));
  return {
    lines: Object.fromEntries(lines),
    crosses: found
      .filter(({ index }) => index >= skip)
      .map(({ index, kind }) => ({ index: index - skip, kind })),
  };
}
