// Marks over the candles: crosses of the averages, anomalies, alerts, previewed alerts. Crosses and
// alerts are omitted while too many are in view; the list beside the chart has all alerts. Pure.

import { indexAt } from "../data/series.js";

/** @typedef {import("./figure.js").Choices} Choices */
/** @typedef {Choices["events"][number]} Event */

/** Pixels of width that each mark needs. */
const ROOM = 34;

/**
 * @param {import("../types.js").Series} series
 * @param {import("../data/indicator_table.js").Computed} computed
 * @param {[number, number]} range visible indices @param {Choices} choices
 * @returns {any[]} Plotly traces
 */
export function markersOf(series, computed, range, choices) {
  const { colors, indicators, width, events, preview } = choices;
  const fits = (/** @type {any[]} */ list) => list.length * ROOM <= width;
  const inView = (/** @type {number} */ index) => index >= range[0] && index <= range[1];
  const traces = [];
  const found = computed.crosses
    .map(({ index, kind }) => ({ index: series.first + index, kind }))
    .filter(({ index }) => inView(index));
  if (indicators.includes("crosses") && fits(found)) {
    const golden = found.filter(({ kind }) => kind === "golden_cross").map(({ index }) => index);
    const death = found.filter(({ kind }) => kind === "death_cross").map(({ index }) => index);
    traces.push(
      marks("golden cross", series, golden, "low", "triangle-up", colors.up),
      marks("death cross", series, death, "high", "triangle-down", colors.down),
    );
  }
  const showsMoves = indicators.includes("anomalies");
  const isMove = (/** @type {Event} */ { condition }) =>
    condition === "change_percent" || condition === "moving_percent";
  const at = (/** @type {Event[]} */ list) =>
    placed(
      series,
      list.map(({ time }) => time),
    );
  if (showsMoves)
    traces.push(
      marks("anomaly", series, at(events.filter(isMove)), "high", "diamond", colors.warn),
    );
  const sent = at(events.filter((event) => !(event.quiet || (showsMoves && isMove(event)))));
  if (fits(sent.filter(inView)))
    traces.push(marks("alert", series, sent, "high", "circle", colors.accent));
  if (preview.length)
    traces.push(
      marks("would have fired", series, placed(series, preview), "high", "star", colors.accent),
    );
  return traces.filter((trace) => trace.x.length);
}

/**
 * @param {import("../types.js").Series} series
 * @param {number[]} times milliseconds; those before the first bar are ignored
 * @returns {number[]} indices of the bars at these times, each once
 */
function placed(series, times) {
  const inside = times.filter((time) => series.bars.length && time >= series.bars[0].time);
  return [...new Set(inside.map((time) => indexAt(series, time)))];
}

/**
 * @param {string} name @param {import("../types.js").Series} series @param {number[]} indices
 * @param {"low" | "high"} edge @param {string} symbol @param {string} color
 */
function marks(name, series, indices, edge, symbol, color) {
  const spread =
    Math.max(...series.bars.map((bar) => bar.high)) -
    Math.min(...series.bars.map((bar) => bar.low));
  const away = spread * 0.02 * (edge === "low" ? -1 : 1);
  return {
    type: "scatter",
    mode: "markers",
    name,
    x: indices,
    y: indices.map((i) => series.bars[i - series.first][edge] + away),
    marker: { symbol, color, size: 9, line: { width: 0 } },
    hoverinfo: "skip",
    cliponaxis: true,
  };
}
