// Decodes the API's answers to previews of rules, and puts them into words. Pure.

import { RANGES } from "../ranges.js";
import { formatDate, formatPercent } from "../format.js";

/**
 * @typedef {object} Previewed
 * @property {number[]} times at which the rule would have fired, in milliseconds
 * @property {number} judged how many prices were evaluated
 * @property {number} unknown at how many of these prices the condition `when` was unknown
 * @property {boolean} complete whether the whole range was evaluated
 * @property {string | null} next the token of the next page
 * @property {string | null} until time of the last price evaluated
 * @property {string | null} from the backtest begins after this time; null: with the range
 * @property {{text: string, tree: any, needs: string[]} | null} when
 * @property {any} backtest null if it was not requested
 */

/** @param {any} found the API's answer @returns {Previewed} */
export const decodePreview = (found) => ({
  times: found.alerts.map((/** @type {any} */ alert) => Date.parse(alert.timestamp)),
  judged: found.judged ?? 0,
  unknown: found.unknown ?? 0,
  complete: found.complete !== false,
  next: found.next_page_token ?? null,
  until: found.until ?? null,
  from: null,
  when: found.when ?? null,
  backtest: found.backtest ?? null,
});

/**
 * @param {Previewed} before @param {Previewed} after the next page
 * @returns {Previewed} both pages as one, with the backtest of `after`
 */
export const joined = (before, after) => ({
  ...after,
  times: [...before.times, ...after.times],
  judged: before.judged + after.judged,
  unknown: before.unknown + after.unknown,
  from: before.until,
});

/** @type {Record<string, string>} a range with enough bars for signals, by rule interval */
const SHORTEST = {
  tick: "1D",
  "1m": "5D",
  "5m": "1M",
  "15m": "3M",
  "30m": "3M",
  "1h": "1Y",
  "1d": "5Y",
  "1wk": "Max",
  "1mo": "Max",
};

/**
 * @param {string} interval of a rule @param {string} range of the chart
 * @returns {string} the range for its preview: the chart's, or a longer one if that has few bars
 */
export function previewRange(interval, range) {
  const order = Object.keys(RANGES);
  const shortest = SHORTEST[interval] ?? "1D";
  return order.indexOf(range) > order.indexOf(shortest) ? range : shortest;
}

/** @param {string} range @returns {string} "in 5 years" */
export const inRange = (range) =>
  range === "Max" ? "in all stored data" : `in ${RANGES[range]?.label ?? "the range"}`;

/** @param {number} count @param {string} noun @returns {string} "1 bar", "5 bars" */
const counted = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

/**
 * @param {Previewed} found @param {string} range @param {string} [trigger] of the rule
 * @returns {string} how often and when it would have fired
 */
export function firesText({ times, judged, unknown, complete }, range, trigger) {
  if (!judged) return `There are no prices ${inRange(range)} to try it on.`;
  const last = times.length ? `, the last on ${formatDate(times[times.length - 1], "UTC")}` : "";
  const fired = times.length
    ? `It would have fired ${counted(times.length, "time")} ${inRange(range)}${last}.`
    : `It would not have fired ${inRange(range)}.`;
  const known =
    unknown === judged
      ? " Its condition was never known: too few bars are stored."
      : unknown
        ? ` Its condition was unknown at ${unknown} of ${judged} prices.`
        : "";
  const once = trigger === "once" && times.length ? " It ends after its first alert." : "";
  return `${fired}${once}${known}${complete ? "" : " Not all of the range was tried."}`;
}

/** @param {any} backtest @returns {string} the returns after the longest time with any, or "" */
export function returnsText({ after }) {
  const found = after.findLast((/** @type {any} */ one) => one.returns.count);
  if (!found) return "";
  const { mean, lowest, highest } = found.returns;
  const spread = `from ${formatPercent(lowest)} to ${formatPercent(highest)}`;
  return `After ${counted(found.bars, "bar")}: ${formatPercent(mean)} on average, ${spread}.`;
}

/**
 * @param {any} backtest
 * @returns {{name: string, spread: any}[]} the rows of a table that have any signal
 */
export function spreadsOf({ after, best, worst }) {
  const rows = after.map((/** @type {any} */ one) => ({
    name: `After ${counted(one.bars, "bar")}`,
    spread: one.returns,
  }));
  return [
    ...rows,
    { name: "Best until the next", spread: best },
    { name: "Worst until the next", spread: worst },
  ].filter(({ spread }) => spread.count);
}

/** @param {any} backtest @returns {string} the results of trading the rule and of holding */
export function tradingText({ rule, hold, costs }) {
  const trades = counted(rule.trades, "trade");
  const fall = (/** @type {any} */ one) =>
    `${formatPercent(one.return_percent)}, maximum drawdown ${one.drawdown_percent.toFixed(1)}%`;
  return [
    `Bought at the open after a signal and sold ${costs.hold_bars} bars later:`,
    `${fall(rule)}, ${trades}.`,
    `Bought once and held: ${fall(hold)}.`,
    `Fee ${costs.fee_percent}% and slippage ${costs.slippage_percent}% of each price.`,
  ].join(" ");
}

/**
 * @param {{timestamp: string, rule: number, hold: number}[]} curve values of an investment of 1
 * @param {number[]} times of signals
 * @param {number} width @param {number} height of the drawing
 * @returns {{rule: string, hold: string, fires: string, one: number, low: number, high: number}}
 *   SVG paths; the y coordinate of 1; the least and the greatest value
 */
export function curvePaths(curve, times, width, height) {
  const values = curve.flatMap(({ rule, hold }) => [rule, hold]);
  const [low, high] = [Math.min(1, ...values), Math.max(1, ...values)];
  const x = (/** @type {number} */ i) => round((i / Math.max(1, curve.length - 1)) * width);
  const y = (/** @type {number} */ value) =>
    round(height - ((value - low) / (high - low || 1)) * height);
  const line = (/** @type {"rule" | "hold"} */ name) =>
    curve.map((point, i) => `${i ? "L" : "M"}${x(i)} ${y(point[name])}`).join("");
  const starts = curve.map(({ timestamp }) => Date.parse(timestamp));
  const places = times
    .map((time) => starts.findLastIndex((start) => start <= time))
    .filter((place) => place >= 0);
  const dots = [...new Set(places)].map((i) => `M${x(i)} ${y(curve[i].hold)}h0`);
  return { rule: line("rule"), hold: line("hold"), fires: dots.join(""), one: y(1), low, high };
}

/** @param {number} value */
const round = (value) => Math.round(value * 100) / 100;
