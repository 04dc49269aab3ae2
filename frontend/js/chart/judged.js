// Draws over the candles what an alert's rule evaluated: prices as points, averages and levels as
// lines, and the signal as a ring. Pure.

import { indexAt } from "../data/series.js";
import { lengthOf } from "../ranges.js";

/** @typedef {import("../types.js").Series} Series */
/** @typedef {import("../types.js").Judged} Judged */

/**
 * @param {Series} series @param {number} time milliseconds
 * @returns {number} the time's position on the axis, where a bar extends half an index each way
 */
export function placeOf(series, time) {
  const index = indexAt(series, time);
  const part = (time - series.bars[index - series.first].time) / lengthOf(series.interval);
  return index - 0.5 + Math.min(1, Math.max(0, part));
}

/**
 * @param {Series} series @param {Judged | null} judged
 * @returns {judged is Judged} whether the series has the symbol and begins before the signal
 */
const isWithin = (series, judged) =>
  judged?.symbol === series.symbol && series.bars[0]?.time <= judged.time;

/**
 * @param {Series} series @param {Judged} judged
 * @returns {(number | null)[]} axis positions of the evaluated prices, null before the first bar;
 *   the close of a bar longer than a candle is at the middle of its last candle
 */
const placesOf = (series, { points, length }) =>
  points.map(({ time }) => {
    const close = time + length - lengthOf(series.interval) / 2;
    return time < series.bars[0].time
      ? null
      : placeOf(series, length ? Math.max(time, close) : time);
  });

/**
 * @param {Series} series @param {Judged | null} judged
 * @returns {[number, number] | null} the axis range to show; null if the series lacks the signal
 */
export function judgedRange(series, judged) {
  if (!isWithin(series, judged)) return null;
  const end = placeOf(series, judged.time);
  const places = placesOf(series, judged).filter((place) => place !== null);
  const span = Math.max(16, end - Math.min(end, ...places));
  return [end - 1.4 * span, end + 0.6 * span];
}

/**
 * @param {Series} series @param {Judged | null} judged @param {Record<string, string>} colors
 * @returns {any[]} Plotly traces; none if the signal is not in the series
 */
export function judgedTraces(series, judged, colors) {
  if (!isWithin(series, judged)) return [];
  const { price, levels, points, averages } = judged;
  const x = placesOf(series, judged);
  const end = placeOf(series, judged.time);
  const line = (
    /** @type {string} */ name,
    /** @type {(number | null)[]} */ xs,
    /** @type {(number | null)[]} */ y,
    /** @type {string} */ color,
    dash = "solid",
  ) => ({ type: "scatter", mode: "lines", name, x: xs, y, line: { color, width: 2.5, dash } });
  const dots = (
    /** @type {string} */ name,
    /** @type {(number | null)[]} */ xs,
    /** @type {(number | null)[]} */ y,
    /** @type {object} */ marker,
  ) => ({ ...line(name, xs, y, colors.text), mode: "markers", marker });
  return [
    ...levels.map((y) => line("level", [end - 16, end + 6], [y, y], colors.accent, "dot")),
    ...averages.map((y, i) => line("average", x, y, i ? colors.slow : colors.fast)),
    dots(
      "judged",
      x,
      points.map((point) => point.price),
      { size: 5, color: colors.text },
    ),
    dots("signal", [end], [price], {
      symbol: "circle-open",
      size: 15,
      color: colors.text,
      line: { width: 2 },
    }),
  ];
}
