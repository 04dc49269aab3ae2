// Builds the Plotly figure of a series of bars, with the lines that data/indicator_table.js lists.
// Pure.

import { axisTicks, fullRange, priceRange } from "./axis.js";
import { layoutOf } from "./panes.js";
import { wantedIndicators } from "../data/indicator_table.js";
import { isDated } from "../ranges.js";
import { judgedTraces } from "./judged.js";
import { markersOf } from "./marks.js";

/** @typedef {import("../types.js").Series} Series */
/** @typedef {import("../data/indicators.js").Values} Values */
/** @typedef {import("../data/indicator_table.js").Computed} Computed */
/** @typedef {import("../data/indicator_table.js").Indicator} Indicator */
/** @typedef {import("../data/indicator_table.js").Line} Line */

/**
 * @typedef {object} Choices
 * @property {"candles" | "line"} type
 * @property {string[]} indicators keys of indicatorTable
 * @property {import("../types.js").Averages} averages
 * @property {string} zone of the labels
 * @property {[number, number] | null} zoom visible indices, null for everything
 * @property {number} width of the plot in pixels
 * @property {number} [height] of all panes in pixels
 * @property {Record<string, string>} colors by role, see theme.js
 * @property {{time: number, price: number | null, condition: string, quiet?: string}[]} events
 *   alerts of this symbol
 * @property {number[]} preview times of previewed alerts
 * @property {import("../types.js").Judged | null} [judged] what the open alert's rule evaluated
 */

/**
 * @param {Series} series
 * @param {Computed} computed
 * @param {Choices} choices
 * @returns {{data: any[], layout: any}}
 */
export function chartFigure(series, computed, choices) {
  const x = series.bars.map((_, i) => series.first + i);
  const range = choices.zoom ?? fullRange(series.first, x.length);
  const wanted = wantedIndicators(choices.averages, choices.indicators);
  const overlays = wanted.filter(({ pane }) => !pane).flatMap(({ lines }) => lines ?? []);
  const judged = judgedTraces(series, choices.judged ?? null, choices.colors);
  const below = wanted.filter(({ pane }) => pane);
  const data = [
    priceTrace(series, x, choices),
    ...lineTraces(overlays, computed.lines, x, choices.colors, "y"),
    ...(choices.indicators.includes("volume") ? volumeTraces(series, x, choices.colors) : []),
    ...paneTraces(below, computed.lines, x, choices.colors),
    ...markersOf(series, computed, range, choices),
    ...judged,
  ];
  const ticks = axisTicks(
    series.bars.map((bar) => bar.time),
    series.first,
    range,
    Math.max(3, Math.floor(choices.width / 88)),
    choices.zone,
    isDated(series.interval),
  );
  const layout = layoutOf({
    height: choices.height ?? 600,
    revision: `${series.symbol}:${series.range}`,
    range,
    ticks,
    panes: below.map(({ lines = [], pane }) => ({
      range: pane?.range ?? visibleValues(series, lines, pane?.columns, computed.lines, range),
      tickvals: pane?.tickvals,
    })),
    priceRange: visiblePrices(
      series,
      overlays.filter(({ scales }) => scales).map(({ name }) => computed.lines[name]),
      range,
      judged.flatMap(({ y }) => y).filter((/** @type {any} */ price) => price !== null),
    ),
    volumeTop: visibleVolume(series, range),
    volume: choices.indicators.includes("volume"),
    colors: choices.colors,
    switches: series.bars.flatMap(({ source: text }, i) => (text ? { x: x[i] - 0.5, text } : [])),
  });
  return { data, layout };
}

/**
 * @param {Series} series @param {[number, number]} range visible indices
 * @returns {[number, number]} start and end of the visible part of `series.bars`, half-open
 */
const visibleSpan = ({ first }, range) => [
  Math.max(0, Math.ceil(range[0]) - first),
  Math.max(0, Math.floor(range[1]) - first + 1),
];

/** @param {Series} series @param {[number, number]} range */
const visibleBars = (series, range) => series.bars.slice(...visibleSpan(series, range));

/**
 * @param {Series} series
 * @param {Values[]} lines whose values have to be visible
 * @param {[number, number]} range visible indices
 * @param {number[]} levels prices that have to be visible
 * @returns {[number, number]} the price axis' range
 */
function visiblePrices(series, lines, range, levels) {
  const [start] = visibleSpan(series, range);
  const bars = visibleBars(series, range).map((bar, i) => {
    const prices = lines.flatMap((values) => values[start + i] ?? []);
    return { low: Math.min(bar.low, ...prices), high: Math.max(bar.high, ...prices) };
  });
  return priceRange([...bars, ...levels.map((price) => ({ low: price, high: price }))]);
}

/**
 * @param {Series} series @param {Line[]} drawn @param {string | undefined} columns
 * @param {Record<string, Values>} lines by name @param {[number, number]} range visible indices
 * @returns {[number, number]} the range of a pane's axis
 */
function visibleValues(series, drawn, columns, lines, range) {
  const names = [...drawn.map(({ name }) => name), ...(columns ? [columns] : [])];
  const span = visibleSpan(series, range);
  const values = names.flatMap((name) => (lines[name] ?? []).slice(...span));
  const known = values.filter((value) => value !== null);
  return priceRange(known.map((value) => ({ low: value, high: value })));
}

/** @param {Series} series @param {[number, number]} range */
const visibleVolume = (series, range) =>
  Math.max(1, ...visibleBars(series, range).map((bar) => bar.volume)) * 1.1;

/** @param {Series} series @param {number[]} x @param {Choices} choices */
function priceTrace(series, x, { type, colors }) {
  const close = series.bars.map((bar) => bar.close);
  if (type === "line") {
    return {
      type: "scatter",
      mode: "lines",
      name: series.symbol,
      x,
      y: close,
      line: { color: colors.accent, width: 1.75 },
      fill: "tozeroy",
      fillcolor: colors.accentFill,
      hoverinfo: "skip",
    };
  }
  return {
    type: "candlestick",
    name: series.symbol,
    x,
    close,
    hoverinfo: "skip",
    open: series.bars.map((bar) => bar.open),
    high: series.bars.map((bar) => bar.high),
    low: series.bars.map((bar) => bar.low),
    increasing: { line: { color: colors.up, width: 1 }, fillcolor: colors.up },
    decreasing: { line: { color: colors.down, width: 1 }, fillcolor: colors.down },
    whiskerwidth: 0,
  };
}

/**
 * @param {Line[]} drawn
 * @param {Record<string, Values>} lines
 * @param {number[]} x
 * @param {Record<string, string>} colors
 * @param {string} yaxis
 */
const lineTraces = (drawn, lines, x, colors, yaxis) =>
  drawn
    .filter(({ name }) => lines[name])
    .map(({ name, color, dash = "solid" }) =>
      lineTrace(name, x, lines[name], colors[color], dash, yaxis),
    );

/**
 * @param {string} name
 * @param {number[]} x
 * @param {Values} y
 * @param {string} color
 * @param {string} dash
 * @param {string} yaxis
 */
const lineTrace = (name, x, y, color, dash, yaxis) => ({
  type: "scatter",
  mode: "lines",
  name,
  x,
  y,
  yaxis,
  line: { color, width: 1.25, dash },
  hoverinfo: "skip",
  connectgaps: false,
});

/** @param {Series} series @param {number[]} x @param {Record<string, string>} colors */
function volumeTraces(series, x, colors) {
  const rising = series.bars.map((bar) => bar.close >= bar.open);
  return columns(
    "volume",
    x,
    series.bars.map((bar) => bar.volume),
    rising,
    "y2",
    colors,
  );
}

/**
 * Draw rising and falling columns as the outlines of two areas. In a bar trace Plotly would draw
 * and style every bar separately.
 * @param {string} name @param {number[]} x @param {Values} values
 * @param {boolean[]} rising by column @param {string} yaxis @param {Record<string, string>} colors
 */
function columns(name, x, values, rising, yaxis, colors) {
  const outline = (/** @type {boolean} */ way) => {
    const places = x.filter((_, i) => rising[i] === way);
    const heights = values.filter((_, i) => rising[i] === way);
    return {
      x: places.flatMap((i) => [i - 0.375, i - 0.375, i + 0.375, i + 0.375]),
      y: heights.flatMap((v) => [0, v ?? 0, v ?? 0, 0]),
    };
  };
  const shared = { type: "scatter", mode: "none", fill: "tozeroy", yaxis, hoverinfo: "skip" };
  return [
    { ...shared, name, ...outline(true), fillcolor: colors.upMuted },
    { ...shared, name: `${name} (falling)`, ...outline(false), fillcolor: colors.downMuted },
  ];
}

/**
 * @param {Indicator[]} indicators those with their own pane
 * @param {Record<string, Values>} lines
 * @param {number[]} x
 * @param {Record<string, string>} colors
 */
function paneTraces(indicators, lines, x, colors) {
  return indicators.flatMap(({ lines: drawn = [], pane }, i) => {
    const yaxis = `y${i + 3}`;
    const values = lines[pane?.columns ?? ""];
    const above = values?.map((value) => (value ?? 0) >= 0);
    return [
      ...(values ? columns(String(pane?.columns), x, values, above, yaxis, colors) : []),
      ...lineTraces(drawn, lines, x, colors, yaxis),
    ];
  });
}
