// Measurements on the chart: their form in a link, and their labels. Pure.

import { indexAt } from "../data/series.js";
import { formatPercent, formatSigned } from "../format.js";

/** @typedef {import("../types.js").Series} Series */
/** @typedef {{index: number, price: number}} Point index of a bar on the axis, and a price */

/** @param {string} text a measurement in a link @param {string} symbol */
export const isOf = (text, symbol) => text.startsWith(`${symbol}*`);

/**
 * @param {Series} series @param {[Point, Point]} ends
 * @returns {string} with starts of bars in seconds: "AAPL*1795185000*113.5*1795192200*116.1"
 */
export const written = (series, ends) =>
  [
    series.symbol,
    ...ends.flatMap(({ index, price }) => [
      Math.floor(series.bars[index - series.first].time / 1000),
      price,
    ]),
  ].join("*");

/**
 * @param {Series} series @param {string} text a measurement in a link
 * @returns {[Point, Point] | null} null if an end is before the first bar
 */
export function endsOf(series, text) {
  const [, from, low, to, high] = text.split("*").map(Number);
  if (!series.bars.length || Math.min(from, to) < Math.floor(series.bars[0].time / 1000))
    return null;
  return [
    { index: indexAt(series, from * 1000), price: low },
    { index: indexAt(series, to * 1000), price: high },
  ];
}

/**
 * @param {[Point, Point]} ends @param {number} places decimals of the prices
 * @returns {string} "+2.60 (+2.29%), 24 bars"
 */
export function measuredText([from, to], places) {
  const bars = Math.abs(to.index - from.index);
  const percent = formatPercent(100 * (to.price / from.price - 1));
  const moved = formatSigned(to.price - from.price, places);
  return `${moved} (${percent}), ${bars} bar${bars === 1 ? "" : "s"}`;
}
