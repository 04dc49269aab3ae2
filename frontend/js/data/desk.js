// The desk: charts beside the main one, each "symbol*range*bar size" in the view. Charts linked by
// symbol show the main chart's symbol, charts linked by time its range. Pure.

import { RANGES } from "../ranges.js";

/** @typedef {import("../types.js").View} View */
/** @typedef {{symbol: string, range: string, interval: string}} Chart */

/** @param {string} text @returns {Chart} */
const chartOf = (text) => {
  const [symbol, range, interval] = text.split("*");
  return { symbol, range, interval };
};

/** @param {Chart} chart @returns {string} */
const textOf = ({ symbol, range, interval }) => [symbol, range, interval].join("*");

/**
 * @param {View} view @param {number} at the chart's position in the desk
 * @returns {Chart & {start: string, end: string}} what the chart shows, links included
 */
export function shownOf({ desk, linked, symbol, range, start, end }, at) {
  const own = { ...chartOf(desk[at]), start: "", end: "" };
  if (linked === "symbol") return { ...own, symbol };
  return linked === "time" ? { ...own, range, start, end } : own;
}

/**
 * @param {View} view
 * @returns {string[]} the desk's charts as shown now, so that they stay when the link changes; a
 *   custom range, which the desk cannot have, becomes the chart's own
 */
const settled = (view) =>
  view.desk.map((text, at) => {
    const shown = shownOf(view, at);
    return textOf(Object.hasOwn(RANGES, shown.range) ? shown : { ...shown, ...rangeOf(text) });
  });

/** @param {string} text @returns {{range: string}} */
const rangeOf = (text) => ({ range: chartOf(text).range });

/**
 * @param {View} view @param {View["linked"]} linked
 * @returns {Partial<View>} the change that links the charts in another way
 */
export const relinked = (view, linked) => ({ linked, desk: settled(view) });

/**
 * @param {View} view @param {number} count 1 to 4 charts, the main one included
 * @param {string[]} symbols of the watch-list, from which new charts take the first not shown yet
 * @returns {Partial<View>} the change of the layout; new charts of shown symbols have longer ranges
 */
export function laidOut(view, count, symbols) {
  const desk = settled(view).slice(0, count - 1);
  const ranges = Object.keys(RANGES);
  const range = Object.hasOwn(RANGES, view.range) ? view.range : ranges[0];
  while (view.symbol && desk.length < count - 1) {
    const shown = [view.symbol, ...desk.map((text) => chartOf(text).symbol)];
    const other = symbols.find((symbol) => !shown.includes(symbol)) ?? view.symbol;
    const longer = ranges[(ranges.indexOf(range) + desk.length + 1) % ranges.length];
    const isSame = view.linked === "symbol" || other === view.symbol;
    desk.push(
      textOf({
        symbol: isSame ? view.symbol : other,
        range: isSame ? longer : range,
        interval: "auto",
      }),
    );
  }
  return { desk };
}

/**
 * @param {View} view @param {number} at
 * @returns {Partial<View>} the change that closes a chart
 */
export const without = (view, at) => ({ desk: settled(view).filter((_, i) => i !== at) });

/**
 * @param {View} view @param {number} at @param {Partial<Chart>} change
 * @returns {Partial<View>} the change of the view, in all charts if the property links them
 */
export function withChart({ desk, linked }, at, { symbol, range, ...change }) {
  /** @type {Partial<View>} */
  const all = {};
  /** @type {Partial<Chart>} */
  const own = change;
  if (symbol) (linked === "symbol" ? all : own).symbol = symbol;
  if (range) (linked === "time" ? all : own).range = range;
  const next = (/** @type {string} */ text) => textOf({ ...chartOf(text), ...own });
  return { ...all, desk: desk.map((text, i) => (i === at ? next(text) : text)) };
}
